//! Settings: read once, from `config/*.toml` and the environment, and checked before anything starts.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use api::HttpLimits;
use api::access::Rate;
use chrono::TimeDelta;
use domain::polling::Breaker;
use eventbridge::EventBridgeSettings;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use providers::AccountRate;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// The settings of `config/default.toml`, which documents each.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub profile: Profile,
    pub listen: String,
    pub metrics_listen: String,
    pub database_url: Option<SecretString>,
    pub database_max_connections: u32,
    pub memory_devices: u64,
    pub auth_issuer: Option<String>,
    pub auth_jwks_url: Option<String>,
    #[serde(deserialize_with = "list")]
    pub auth_client_ids: Vec<String>,
    pub auth_audience: Option<String>,
    pub rate_person_per_second: u32,
    pub rate_person_burst: u32,
    pub rate_machine_per_second: u32,
    pub rate_machine_burst: u32,
    pub http_connections: usize,
    pub http_head_seconds: u32,
    pub http_body_seconds: u32,
    pub http_answer_seconds: u32,
    pub scheduler: Scheduler,
    pub trigger_precision_seconds: u32,
    pub eventbridge_group: Option<String>,
    pub eventbridge_bus_arn: Option<String>,
    pub eventbridge_role_arn: Option<String>,
    pub eventbridge_dlq_arn: Option<String>,
    pub eventbridge_region: Option<String>,
    pub eventbridge_endpoint_url: Option<String>,
    pub event_retention_days: u32,
    pub envelope_retention_days: u32,
    #[serde(deserialize_with = "list")]
    pub provider_allowed_hosts: Vec<String>,
    pub provider_credentials_dir: Option<PathBuf>,
    pub provider_deadline_seconds: u32,
    pub provider_account_per_second: u32,
    pub provider_account_burst: u32,
    pub breaker_failures: u32,
    pub breaker_probe_seconds: u32,
    pub poll_concurrency: usize,
    pub lease_seconds: u32,
    pub future_tolerance_seconds: u32,
    #[expect(clippy::struct_field_names, reason = "the flag's own name")]
    pub feature_workspace_settings: bool,
    pub log: String,
    pub otlp_endpoint: Option<String>,
}

/// Where an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    Production,
    Dev,
}

/// What fires poll cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduler {
    Eventbridge,
    InProcess,
    None,
}

/// Every name, so that an unrelated variable of the environment is none of ours.
const NAMES: &[&str] = &[
    "profile",
    "listen",
    "metrics_listen",
    "database_url",
    "database_max_connections",
    "memory_devices",
    "auth_issuer",
    "auth_jwks_url",
    "auth_client_ids",
    "auth_audience",
    "rate_person_per_second",
    "rate_person_burst",
    "rate_machine_per_second",
    "rate_machine_burst",
    "http_connections",
    "http_head_seconds",
    "http_body_seconds",
    "http_answer_seconds",
    "scheduler",
    "trigger_precision_seconds",
    "eventbridge_group",
    "eventbridge_bus_arn",
    "eventbridge_role_arn",
    "eventbridge_dlq_arn",
    "eventbridge_region",
    "eventbridge_endpoint_url",
    "event_retention_days",
    "envelope_retention_days",
    "provider_allowed_hosts",
    "provider_credentials_dir",
    "provider_deadline_seconds",
    "provider_account_per_second",
    "provider_account_burst",
    "breaker_failures",
    "breaker_probe_seconds",
    "poll_concurrency",
    "lease_seconds",
    "future_tolerance_seconds",
    "feature_workspace_settings",
    "log",
    "otlp_endpoint",
];

impl Settings {
    /// Reads the settings; `profile` stands in where the environment names none.
    ///
    /// # Errors
    /// A setting that is unknown, unreadable or out of bounds, by its name; `dev` where the environment
    /// says production.
    pub fn load(profile: Profile) -> anyhow::Result<Self> {
        let defaults = Figment::from(Toml::string(include_str!("../../../config/default.toml")));
        let environment = Env::raw().only(NAMES);
        let profile = match profile {
            Profile::Dev => {
                ensure!(
                    environment
                        .clone()
                        .iter()
                        .all(|(name, value)| name != "profile" || value == "dev"),
                    "PROFILE is not dev in the environment, and the command is: unset it, or use `serve`"
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
            Profile::Dev => defaults.merge(Toml::string(include_str!("../../../config/dev.toml"))),
        };
        let settings: Self = settings
            .merge(environment)
            .extract()
            .context("the settings cannot be read")?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=200).contains(&self.database_max_connections),
            "DATABASE_MAX_CONNECTIONS must be 1 to 200"
        );
        for (name, burst) in [
            ("RATE_PERSON_BURST", self.rate_person_burst),
            ("RATE_MACHINE_BURST", self.rate_machine_burst),
        ] {
            ensure!(burst > 0, "{name} must be at least 1");
        }
        ensure!(
            (1..=100_000).contains(&self.http_connections),
            "HTTP_CONNECTIONS must be 1 to 100000"
        );
        for (name, seconds) in [
            ("HTTP_HEAD_SECONDS", self.http_head_seconds),
            ("HTTP_BODY_SECONDS", self.http_body_seconds),
            ("HTTP_ANSWER_SECONDS", self.http_answer_seconds),
        ] {
            ensure!((1..=600).contains(&seconds), "{name} must be 1 to 600");
        }
        ensure!(
            (1..=55).contains(&self.provider_deadline_seconds),
            "PROVIDER_DEADLINE_SECONDS must be 1 to 55: below the shortest poll interval"
        );
        ensure!(
            self.provider_account_burst > 0,
            "PROVIDER_ACCOUNT_BURST must be at least 1"
        );
        ensure!(
            self.breaker_failures <= 100,
            "BREAKER_FAILURES must be at most 100"
        );
        ensure!(
            (60..=86_400).contains(&self.breaker_probe_seconds),
            "BREAKER_PROBE_SECONDS must be 60 to 86400"
        );
        ensure!(
            (1..=1_000).contains(&self.poll_concurrency),
            "POLL_CONCURRENCY must be 1 to 1000"
        );
        ensure!(
            (3..=600).contains(&self.lease_seconds),
            "LEASE_SECONDS must be 3 to 600"
        );
        ensure!(
            self.trigger_precision_seconds <= 120,
            "TRIGGER_PRECISION_SECONDS must be at most 120"
        );
        ensure!(
            (7..=3_650).contains(&self.event_retention_days),
            "EVENT_RETENTION_DAYS must be 7 to 3650"
        );
        ensure!(
            (1..=365).contains(&self.envelope_retention_days),
            "ENVELOPE_RETENTION_DAYS must be 1 to 365"
        );
        ensure!(
            self.future_tolerance_seconds <= 3_600,
            "FUTURE_TOLERANCE_SECONDS must be at most 3600"
        );
        Ok(())
    }

    pub fn trigger_precision(&self) -> TimeDelta {
        TimeDelta::seconds(self.trigger_precision_seconds.into())
    }

    pub fn event_retention(&self) -> TimeDelta {
        TimeDelta::days(self.event_retention_days.into())
    }

    pub fn envelope_retention(&self) -> TimeDelta {
        TimeDelta::days(self.envelope_retention_days.into())
    }

    /// Where EventBridge keeps schedules and what they lead to.
    ///
    /// # Errors
    /// The first setting that is missing, or not as AWS would have it, by its name.
    pub fn eventbridge(&self) -> anyhow::Result<EventBridgeSettings> {
        let needed = |value: &Option<String>, name: &str| {
            value.clone().with_context(|| {
                format!("EVENTBRIDGE_{name} is not set: SCHEDULER=eventbridge needs it")
            })
        };
        let checked = EventBridgeSettings::try_new(
            &needed(&self.eventbridge_group, "GROUP")?,
            &needed(&self.eventbridge_bus_arn, "BUS_ARN")?,
            &needed(&self.eventbridge_role_arn, "ROLE_ARN")?,
            &needed(&self.eventbridge_dlq_arn, "DLQ_ARN")?,
            &needed(&self.eventbridge_region, "REGION")?,
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

    pub fn rate_of_people(&self) -> Option<Rate> {
        Rate::of(self.rate_person_per_second, self.rate_person_burst)
    }

    pub fn rate_of_machines(&self) -> Option<Rate> {
        Rate::of(self.rate_machine_per_second, self.rate_machine_burst)
    }

    pub fn http(&self) -> HttpLimits {
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
        AccountRate {
            per_second: self.provider_account_per_second,
            burst: self.provider_account_burst,
        }
    }

    pub fn provider_deadline(&self) -> Duration {
        Duration::from_secs(self.provider_deadline_seconds.into())
    }
}

/// A list, or a text with commas as the environment has it.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        List(Vec<String>),
    }
    let items = match Form::deserialize(deserializer)? {
        Form::Text(text) => text.split(',').map(str::to_owned).collect(),
        Form::List(items) => items,
    };
    Ok(items
        .into_iter()
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_all_the_settings_and_are_sound() {
        let settings = Settings::load(Profile::Dev).expect("the defaults");
        assert_eq!(
            (settings.profile, settings.trigger_precision_seconds),
            (Profile::Dev, 0)
        );
        let documented = include_str!("../../../config/default.toml");
        for name in NAMES {
            assert!(
                documented.lines().any(|line| line
                    .trim_start_matches("# ")
                    .starts_with(&format!("{name} ="))),
                "{name} is not documented"
            );
        }
    }

    #[test]
    fn what_is_shown_of_settings_has_no_password() {
        let mut settings = Settings::load(Profile::Dev).expect("the defaults");
        settings.database_url = Some("postgres://core:s3cret@db.internal/telematics".into());
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_list_comes_from_toml_or_from_one_text() {
        #[derive(Deserialize)]
        struct Hosts {
            #[serde(deserialize_with = "list")]
            hosts: Vec<String>,
        }
        for toml in [r#"hosts = ["a", "b"]"#, r#"hosts = "a, b,""#] {
            let read: Hosts = Figment::from(Toml::string(toml)).extract().expect("a list");
            assert_eq!(read.hosts, ["a", "b"]);
        }
    }
}
