//! Settings, which are loaded once from `config/*.toml` and the environment, and checked before anything starts.

mod table;

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use api::HttpLimits;
use api::access::Rate;
use chrono::TimeDelta;
use domain::polling::Breaker;
use eventbridge::EventBridgeSettings;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use providers::{AccountRate, Environment};
use serde::Deserialize;

use self::table::DECLARATIONS;
pub use self::table::Settings;

/// The kind of place where an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A server.
    Production,
    /// One machine, for development.
    Dev,
}

/// What fires poll cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    /// Amazon EventBridge Scheduler, from outside.
    Eventbridge,
    /// The scheduler of `dev`, within its process.
    InProcess,
    /// Nothing: cycles run only when somebody sends a trigger.
    None,
}

/// The comment at the head of `config/default.toml`.
const DEFAULT_TOML_HEAD: &str = "\
# Every setting of bf-manage-core with its default, as `bf-manage-core settings` prints it. An environment variable
# with the same name in upper case overrides this file, and takes a list separated by commas. `config/<profile>.toml`,
# if it exists, overrides this file but not the environment. Never put a secret into these files.
";

/// Renders `config/default.toml`: every setting with its meaning and default.
pub fn default_toml() -> String {
    let mut toml = DEFAULT_TOML_HEAD.to_owned();
    for declaration in DECLARATIONS {
        toml.push('\n');
        for line in declaration.meaning {
            toml.push('#');
            toml.push_str(line);
            toml.push('\n');
        }
        let name = declaration.name;
        // Writing to a text does not fail.
        let _ = match (declaration.default, declaration.example) {
            (Some(default), _) => writeln!(toml, "{name} = {default}"),
            (None, example) => writeln!(toml, "# {name} = {}", example.unwrap_or("\"…\"")),
        };
    }
    toml
}

impl Settings {
    /// Loads the settings for a command. `profile` is the command's own: `dev` insists on it, and every other
    /// command uses the environment's profile if there is one.
    ///
    /// # Errors
    /// A setting that is unknown, unreadable or out of its limits, by its name; the command `dev` if the
    /// environment says production.
    pub fn load(profile: Profile) -> anyhow::Result<Self> {
        let defaults = Figment::from(Toml::string(&default_toml()));
        let names: Vec<&str> = DECLARATIONS.iter().map(|setting| setting.name).collect();
        // An environment variable that is not a setting is ignored.
        let environment = Env::raw().only(&names);
        let profile = match profile {
            Profile::Dev => {
                ensure!(
                    environment
                        .clone()
                        .iter()
                        .all(|(name, value)| name != "profile" || value == "dev"),
                    "PROFILE is not dev in the environment, but the command is: unset PROFILE, or use `serve`"
                );
                Profile::Dev
            }
            Profile::Production => defaults
                .clone()
                .merge(environment.clone())
                .extract_inner("profile")?,
        };
        let settings = match profile {
            Profile::Production => defaults.merge(Toml::file("config/production.toml")),
            Profile::Dev => {
                defaults.merge(Toml::string(include_str!("../../../../config/dev.toml")))
            }
        };
        let settings: Self = settings
            .merge(environment)
            .extract()
            .context("the settings cannot be read")?;
        settings.check_limits()?;
        Ok(settings)
    }

    pub fn trigger_precision(&self) -> TimeDelta {
        TimeDelta::seconds(self.trigger_precision_seconds.into())
    }

    pub fn event_retention(&self) -> TimeDelta {
        TimeDelta::days(self.event_retention_days.into())
    }

    pub fn cycle_retention(&self) -> TimeDelta {
        TimeDelta::days(self.cycle_retention_days.into())
    }

    pub fn envelope_retention(&self) -> TimeDelta {
        TimeDelta::days(self.envelope_retention_days.into())
    }

    /// The settings of EventBridge.
    ///
    /// # Errors
    /// The first setting that is missing, or that AWS would refuse, by its name.
    pub fn eventbridge(&self) -> anyhow::Result<EventBridgeSettings> {
        let require = |value: &Option<String>, name: &str| {
            value.clone().with_context(|| {
                format!("EVENTBRIDGE_{name} is not set: SCHEDULER=eventbridge needs it")
            })
        };
        let checked = EventBridgeSettings::try_new(
            &require(&self.eventbridge_group, "GROUP")?,
            &require(&self.eventbridge_bus_arn, "BUS_ARN")?,
            &require(&self.eventbridge_role_arn, "ROLE_ARN")?,
            &require(&self.eventbridge_dlq_arn, "DLQ_ARN")?,
            &require(&self.eventbridge_region, "REGION")?,
            self.eventbridge_endpoint_url.as_deref(),
        );
        checked.map_err(|invalid| {
            anyhow!(
                "EVENTBRIDGE_{} must be {}",
                invalid.member.to_ascii_uppercase(),
                invalid.rule
            )
        })
    }

    pub fn future_tolerance(&self) -> TimeDelta {
        TimeDelta::seconds(self.future_tolerance_seconds.into())
    }

    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds.into())
    }

    pub fn person_rate(&self) -> Option<Rate> {
        Rate::from_settings(self.rate_person_per_second, self.rate_person_burst)
    }

    pub fn machine_rate(&self) -> Option<Rate> {
        Rate::from_settings(self.rate_machine_per_second, self.rate_machine_burst)
    }

    pub fn http_limits(&self) -> HttpLimits {
        HttpLimits {
            connections: self.http_connections,
            head_within: Duration::from_secs(self.http_head_seconds.into()),
            body_within: Duration::from_secs(self.http_body_seconds.into()),
            answer_within: Duration::from_secs(self.http_answer_seconds.into()),
            ..HttpLimits::default()
        }
    }

    pub fn breaker(&self) -> Breaker {
        Breaker {
            failures: self.breaker_failures,
            probe_every: TimeDelta::seconds(self.breaker_probe_seconds.into()),
        }
    }

    pub fn provider_account_rate(&self) -> AccountRate {
        AccountRate::per_second(
            self.provider_account_per_second,
            self.provider_account_burst.get(),
        )
    }

    pub fn provider_deadline(&self) -> Duration {
        Duration::from_secs(self.provider_deadline_seconds.into())
    }
}

/// The environment variables of this process, for the credentials of providers: their references name the variables,
/// which are read at use.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that hands out the environment beside the settings"
)]
pub fn process_environment() -> Environment {
    Environment::new(|name| std::env::var_os(name))
}

/// A list of names. TOML has an array of texts, and the environment has one text with commas.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "NameListForm")]
pub struct NameList(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum NameListForm {
    Text(String),
    List(Vec<String>),
}

impl From<NameListForm> for NameList {
    fn from(form: NameListForm) -> Self {
        let names = match form {
            NameListForm::Text(text) => text.split(',').map(str::to_owned).collect(),
            NameListForm::List(names) => names,
        };
        let names = names.iter().map(|name| name.trim().to_owned());
        Self(names.filter(|name| !name.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(toml: &str) -> anyhow::Result<Settings> {
        let defaults = Figment::from(Toml::string(&default_toml()));
        let settings: Settings = defaults.merge(Toml::string(toml)).extract()?;
        settings.check_limits()?;
        Ok(settings)
    }

    #[test]
    fn the_defaults_are_within_their_limits() {
        let settings = Settings::load(Profile::Dev).expect("the defaults");
        assert_eq!(
            (settings.profile, settings.trigger_precision_seconds),
            (Profile::Dev, 0)
        );
        loaded("").expect("the defaults of production");
    }

    #[test]
    fn default_toml_is_what_the_table_says() {
        let documented = include_str!("../../../../config/default.toml");
        assert!(
            documented == default_toml(),
            "run `bf-manage-core settings > config/default.toml`"
        );
    }

    #[test]
    fn a_setting_outside_its_limits_is_refused_by_its_name() {
        let refusal = |toml: &str| format!("{:#}", loaded(toml).expect_err("a refusal"));
        assert_eq!(
            refusal("database_max_connections = 201"),
            "DATABASE_MAX_CONNECTIONS must be 1 to 200"
        );
        assert_eq!(
            refusal("breaker_probe_seconds = 59"),
            "BREAKER_PROBE_SECONDS must be 60 to 86400"
        );
        for name in ["rate_person_burst", "provider_account_burst"] {
            let refusal = refusal(&format!("{name} = 0"));
            assert!(
                refusal.contains(name) && refusal.contains("nonzero"),
                "{refusal}"
            );
        }
        let unknown = refusal("htp_connections = 1");
        assert!(unknown.contains("htp_connections"), "{unknown}");
    }

    #[test]
    fn settings_show_no_password() {
        let mut settings = Settings::load(Profile::Dev).expect("the defaults");
        settings.database_url = Some("postgres://core:s3cret@db.internal/telematics".into());
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_list_comes_from_an_array_or_from_one_text() {
        for toml in [
            r#"provider_allowed_hosts = ["a", "b"]"#,
            r#"provider_allowed_hosts = "a, b,""#,
        ] {
            let settings = loaded(toml).expect("a list");
            assert_eq!(settings.provider_allowed_hosts.0, ["a", "b"]);
        }
    }
}
