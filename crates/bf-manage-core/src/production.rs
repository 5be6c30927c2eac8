//! What production refuses to start with: settings that are fine on one machine and open a door on a
//! server. Each is one line that names the setting.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use auth::DEV_CLIENT_ID;
use reqwest::Url;
use secrecy::ExposeSecret;

use crate::config::{Profile, Scheduler, Settings};

/// Lets every setting of another profile pass, and of production those that are safe there.
///
/// # Errors
/// The first setting that has no place in production.
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
        "--dev-data is a token issuer of our own, for PROFILE=dev only"
    );
    if settings.scheduler == Scheduler::Eventbridge {
        settings.eventbridge()?;
        ensure!(
            settings.eventbridge_endpoint_url.is_none(),
            "EVENTBRIDGE_ENDPOINT_URL is an emulator's address: production asks AWS itself"
        );
    }
    check_database(settings)?;
    check_issuer(settings)?;
    for host in &settings.provider_allowed_hosts {
        check_provider_host(host)?;
    }
    Ok(())
}

fn check_database(settings: &Settings) -> anyhow::Result<()> {
    let url = settings
        .database_url
        .as_ref()
        .context("DATABASE_URL is not set: a private PostgreSQL is started by `dev` only")?;
    // The text as it is: the URL's own reader would be a second opinion on where it leads.
    ensure!(
        !is_of_dev(url.expose_secret()),
        "DATABASE_URL names the private PostgreSQL of `dev`, which ends with it"
    );
    Ok(())
}

/// Whether a URL leads to a socket in a directory as `dev` makes them: `…/dev-pg15/run`, or with
/// `bf-telematics` in its path.
fn is_of_dev(database_url: &str) -> bool {
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
    is_far_and_https("AUTH_ISSUER", issuer)?;
    let jwks_url = settings
        .auth_jwks_url
        .as_deref()
        .context("AUTH_JWKS_URL is not set")?;
    is_far_and_https("AUTH_JWKS_URL", jwks_url)?;
    ensure!(
        !settings.auth_client_ids.is_empty(),
        "AUTH_CLIENT_IDS is empty: no app client would count"
    );
    ensure!(
        !settings
            .auth_client_ids
            .iter()
            .any(|id| id == DEV_CLIENT_ID),
        "AUTH_CLIENT_IDS has {DEV_CLIENT_ID}, the client of development tokens"
    );
    Ok(())
}

fn is_far_and_https(name: &str, url: &str) -> anyhow::Result<()> {
    // Its parts are told, and not itself: whoever mistakes it may have put a secret there.
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

/// By name or address: loopback, any address, and the link-local ones, where clouds keep their secrets.
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

    /// As production would have it.
    fn sound() -> Settings {
        let mut settings = Settings::load(Profile::Dev).expect("the defaults");
        settings.profile = Profile::Production;
        settings.scheduler = Scheduler::Eventbridge;
        settings.database_url = Some("postgres://core:secret@db.internal:5432/telematics".into());
        settings.auth_issuer = Some("https://cognito-idp.eu-west-1.amazonaws.com/pool".into());
        settings.auth_jwks_url =
            Some("https://cognito-idp.eu-west-1.amazonaws.com/pool/.well-known/jwks.json".into());
        settings.auth_client_ids = vec!["web".into()];
        settings.provider_allowed_hosts = vec!["my.geotab.com".into()];
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
    fn what_production_has_is_let_pass() {
        refuse_dev_settings(&sound(), None).expect("sound settings");
        let mut by_socket = sound();
        by_socket.database_url =
            Some("postgres://core@/telematics?host=/var/run/postgresql".into());
        refuse_dev_settings(&by_socket, None).expect("a server's socket");
    }

    #[test]
    fn dev_has_what_it_likes() {
        let mut settings = sound();
        settings.profile = Profile::Dev;
        settings.auth_issuer = Some("http://bf-dev-issuer.localhost".into());
        refuse_dev_settings(&settings, Some(Path::new("/tmp"))).expect("dev");
    }

    #[test]
    fn each_setting_is_refused_by_its_name() {
        let refused = [
            refusal(|settings| settings.scheduler = Scheduler::InProcess),
            refusal(|settings| settings.database_url = None),
            refusal(|settings| settings.auth_issuer = None),
            refusal(|settings| settings.auth_jwks_url = None),
            refusal(|settings| settings.auth_client_ids.clear()),
            refusal(|settings| settings.auth_client_ids.push("bf-dev".into())),
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
    fn eventbridge_is_told_where_and_is_aws_itself() {
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
    fn the_issuer_is_elsewhere_and_reached_by_https() {
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
    fn the_private_server_is_known_by_its_socket() {
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
    fn a_provider_is_one_host_elsewhere() {
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
            let refused = refusal(|settings| settings.provider_allowed_hosts.push(host.into()));
            assert!(
                refused.starts_with("PROVIDER_ALLOWED_HOSTS "),
                "{host}: {refused}"
            );
        }
    }
}
