//! The settings that production refuses to start with: they are safe on one developer's machine and dangerous on a
//! server. Each refusal is one line that names the setting.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use auth::DEV_CLIENT_ID;
use reqwest::Url;
use secrecy::ExposeSecret;

use crate::config::{Profile, Scheduler, Settings};

/// Checks that the settings are safe in production. Settings of another profile are not checked.
///
/// # Errors
/// The first setting that is not safe in production.
pub fn refuse_dev_settings(settings: &Settings, dev_data: Option<&Path>) -> anyhow::Result<()> {
    if settings.profile != Profile::Production {
        return Ok(());
    }
    ensure!(
        settings.scheduler != Scheduler::InProcess,
        "SCHEDULER=in_process runs within `dev` only: use eventbridge or none"
    );
    ensure!(
        dev_data.is_none(),
        "--dev-data names a local token issuer, which is for PROFILE=dev only"
    );
    if settings.scheduler == Scheduler::Eventbridge {
        settings.eventbridge()?;
        ensure!(
            settings.eventbridge_endpoint_url.is_none(),
            "EVENTBRIDGE_ENDPOINT_URL is for emulators: unset it, since production uses AWS itself"
        );
    }
    check_database(settings)?;
    check_issuer(settings)?;
    for host in &settings.provider_allowed_hosts.0 {
        check_provider_host(host)?;
    }
    Ok(())
}

fn check_database(settings: &Settings) -> anyhow::Result<()> {
    let url = settings
        .database_url
        .as_ref()
        .context("DATABASE_URL is not set: a private PostgreSQL is started by `dev` only")?;
    // The text is checked as it is, because another URL parser than sqlx's might read another host.
    ensure!(
        !names_dev_server(url.expose_secret()),
        "DATABASE_URL names the private PostgreSQL of `dev`, which ends with it"
    );
    Ok(())
}

/// Whether a URL leads to a socket in a directory of `dev`: one such as `…/dev-pg15/run`, or one that begins with
/// `bf-telematics`.
fn names_dev_server(database_url: &str) -> bool {
    let Some((_, query)) = database_url.split_once('?') else {
        return false;
    };
    let hosts = query
        .split('&')
        .filter_map(|parameter| parameter.strip_prefix("host="));
    hosts.into_iter().any(|host| {
        let host = host.replace("%2F", "/").replace("%2f", "/");
        host.starts_with('/') && (host.contains("/dev-pg") || host.contains("/bf-telematics"))
    })
}

fn check_issuer(settings: &Settings) -> anyhow::Result<()> {
    let issuer = settings
        .auth_issuer
        .as_deref()
        .context("AUTH_ISSUER is not set")?;
    check_remote_https("AUTH_ISSUER", issuer)?;
    let jwks_url = settings
        .auth_jwks_url
        .as_deref()
        .context("AUTH_JWKS_URL is not set")?;
    check_remote_https("AUTH_JWKS_URL", jwks_url)?;
    ensure!(
        !settings.auth_client_ids.0.is_empty(),
        "AUTH_CLIENT_IDS is empty: every token would be refused"
    );
    ensure!(
        !settings
            .auth_client_ids
            .0
            .iter()
            .any(|id| id == DEV_CLIENT_ID),
        "AUTH_CLIENT_IDS has {DEV_CLIENT_ID}, the client of development tokens"
    );
    Ok(())
}

fn check_remote_https(name: &str, url: &str) -> anyhow::Result<()> {
    // No refusal quotes the URL, which may contain a secret by mistake.
    let Ok(url) = Url::parse(url) else {
        bail!("{name} is not a URL");
    };
    ensure!(
        url.scheme() == "https",
        "{name} must be https in production"
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "{name} must have no user information"
    );
    ensure!(
        !url.host_str().is_some_and(is_this_machine),
        "{name} must not be on this machine in production"
    );
    Ok(())
}

fn check_provider_host(host: &str) -> anyhow::Result<()> {
    let is_name = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    ensure!(
        is_name || host.parse::<IpAddr>().is_ok(),
        "PROVIDER_ALLOWED_HOSTS has {host:?}: each must be the name of one host, without wildcards"
    );
    ensure!(
        !is_this_machine(host),
        "PROVIDER_ALLOWED_HOSTS has {host:?}, which is on this machine"
    );
    Ok(())
}

/// Whether a host is this machine, by its name or address: loopback, unspecified, or link-local, where clouds serve
/// their secrets.
fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NameList;

    /// Settings that production accepts.
    fn sound() -> Settings {
        let mut settings = Settings::load(Profile::Dev).expect("the defaults");
        settings.profile = Profile::Production;
        settings.scheduler = Scheduler::Eventbridge;
        settings.database_url = Some("postgres://core:secret@db.internal:5432/telematics".into());
        settings.auth_issuer = Some("https://cognito-idp.eu-west-1.amazonaws.com/pool".into());
        settings.auth_jwks_url =
            Some("https://cognito-idp.eu-west-1.amazonaws.com/pool/.well-known/jwks.json".into());
        settings.auth_client_ids = NameList(vec!["web".into()]);
        settings.provider_allowed_hosts = NameList(vec!["my.geotab.com".into()]);
        settings.eventbridge_group = Some("bf-telematics-poll-prod".into());
        settings.eventbridge_bus_arn =
            Some("arn:aws:events:eu-west-1:123456789012:event-bus/bf-telematics".into());
        settings.eventbridge_role_arn =
            Some("arn:aws:iam::123456789012:role/bf-telematics-scheduler".into());
        settings.eventbridge_dlq_arn =
            Some("arn:aws:sqs:eu-west-1:123456789012:bf-telematics-dlq".into());
        settings.eventbridge_region = Some("eu-west-1".into());
        settings
    }

    fn refusal(change: impl FnOnce(&mut Settings)) -> String {
        let mut settings = sound();
        change(&mut settings);
        refuse_dev_settings(&settings, None)
            .expect_err("a refusal")
            .to_string()
    }

    #[test]
    fn safe_settings_pass_in_production() {
        refuse_dev_settings(&sound(), None).expect("sound settings");
        let mut by_socket = sound();
        by_socket.database_url =
            Some("postgres://core@/telematics?host=/var/run/postgresql".into());
        refuse_dev_settings(&by_socket, None).expect("a server's socket");
    }

    #[test]
    fn dev_accepts_any_setting() {
        let mut settings = sound();
        settings.profile = Profile::Dev;
        settings.auth_issuer = Some("http://bf-dev-issuer.localhost".into());
        refuse_dev_settings(&settings, Some(Path::new("/tmp"))).expect("dev");
    }

    #[test]
    fn an_unsafe_setting_is_refused_by_its_name() {
        let refused = [
            refusal(|settings| settings.scheduler = Scheduler::InProcess),
            refusal(|settings| settings.database_url = None),
            refusal(|settings| settings.auth_issuer = None),
            refusal(|settings| settings.auth_jwks_url = None),
            refusal(|settings| settings.auth_client_ids.0.clear()),
            refusal(|settings| settings.auth_client_ids.0.push("bf-dev".into())),
        ];
        let names = [
            "SCHEDULER=in_process",
            "DATABASE_URL",
            "AUTH_ISSUER",
            "AUTH_JWKS_URL",
            "AUTH_CLIENT_IDS",
            "AUTH_CLIENT_IDS",
        ];
        for (refused, name) in refused.iter().zip(names) {
            assert!(refused.starts_with(name), "{name}: {refused}");
        }
        let own = refuse_dev_settings(&sound(), Some(Path::new("/tmp"))).expect_err("a refusal");
        assert!(own.to_string().starts_with("--dev-data"), "{own}");
    }

    #[test]
    fn eventbridge_needs_its_settings_and_must_be_aws_itself() {
        for (refused, starts) in [
            (
                refusal(|settings| settings.eventbridge_group = None),
                "EVENTBRIDGE_GROUP is not set",
            ),
            (
                refusal(|settings| settings.eventbridge_group = Some("default".into())),
                "EVENTBRIDGE_GROUP must be",
            ),
            (
                refusal(|settings| settings.eventbridge_role_arn = Some("scheduler".into())),
                "EVENTBRIDGE_ROLE_ARN must be",
            ),
            (
                refusal(|settings| {
                    settings.eventbridge_endpoint_url = Some("http://127.0.0.1:5000".into());
                }),
                "EVENTBRIDGE_ENDPOINT_URL ",
            ),
        ] {
            assert!(refused.starts_with(starts), "{refused}");
        }
        let mut unscheduled = sound();
        unscheduled.scheduler = Scheduler::None;
        unscheduled.eventbridge_group = None;
        refuse_dev_settings(&unscheduled, None).expect("nothing to be told");
    }

    #[test]
    fn the_issuer_must_be_remote_and_https() {
        for url in [
            "http://bf-dev-issuer.localhost",
            "https://bf-dev-issuer.localhost",
            "http://cognito-idp.eu-west-1.amazonaws.com/pool",
            "http://127.0.0.1:8080/dev/jwks.json",
            "https://127.0.0.1:8080/dev/jwks.json",
            "https://LOCALHOST./jwks",
            "https://[::1]/jwks",
            "https://[::ffff:127.0.0.1]/jwks",
            "https://0.0.0.0/jwks",
            "https://169.254.169.254/latest",
            "https://user:secret@idp.example/jwks",
            "pool-1",
            "",
        ] {
            let issuer = refusal(|settings| settings.auth_issuer = Some(url.into()));
            assert!(issuer.starts_with("AUTH_ISSUER "), "{url}: {issuer}");
            let keys = refusal(|settings| settings.auth_jwks_url = Some(url.into()));
            assert!(keys.starts_with("AUTH_JWKS_URL "), "{url}: {keys}");
            assert!(!keys.contains("secret"), "{keys}");
        }
    }

    #[test]
    fn the_private_server_of_dev_is_recognised_by_its_socket() {
        for url in [
            "postgres://postgres@localhost/telematics?host=/home/x/.local/state/bf-telematics/dev/postgres/dev-pg15/run",
            "postgres://postgres@localhost/telematics?host=/srv/data/postgres/dev-pg17/run",
            "postgres://postgres@localhost/telematics?sslmode=disable&host=%2Fsrv%2Fpostgres%2Fdev-pg17%2Frun",
            "postgres://postgres@localhost/telematics?host=/tmp/bf-telematics-0-00ff",
        ] {
            let refused = refusal(|settings| settings.database_url = Some(url.into()));
            assert!(refused.starts_with("DATABASE_URL "), "{url}: {refused}");
        }
    }

    #[test]
    fn a_provider_host_must_be_one_remote_host() {
        for host in [
            "*",
            "*.geotab.com",
            "localhost",
            "api.localhost",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "0.0.0.0",
            "169.254.169.254",
            "https://my.geotab.com",
            "my.geotab.com:8443",
            "my.geotab.com/apiv1",
            "my geotab",
        ] {
            let refused = refusal(|settings| settings.provider_allowed_hosts.0.push(host.into()));
            assert!(
                refused.starts_with("PROVIDER_ALLOWED_HOSTS "),
                "{host}: {refused}"
            );
        }
    }
}
