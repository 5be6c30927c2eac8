//! Production does not start with what is for one machine.

use std::process::Command;

use crate::built::program;
use crate::dev::Place;
use crate::running::Running;

/// Sound settings, but for the database: nobody listens there.
const SOUND: [(&str, &str); 9] = [
    (
        "DATABASE_URL",
        "postgres://core:canary-password@127.0.0.1:1/telematics",
    ),
    ("AUTH_ISSUER", "https://idp.example/pool"),
    ("AUTH_JWKS_URL", "https://idp.example/pool/jwks.json"),
    ("AUTH_CLIENT_IDS", "web,depot"),
    ("EVENTBRIDGE_GROUP", "bf-telematics-poll-prod"),
    (
        "EVENTBRIDGE_BUS_ARN",
        "arn:aws:events:eu-west-1:123456789012:event-bus/bf-telematics",
    ),
    (
        "EVENTBRIDGE_ROLE_ARN",
        "arn:aws:iam::123456789012:role/bf-telematics-scheduler",
    ),
    (
        "EVENTBRIDGE_DLQ_ARN",
        "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-dlq",
    ),
    ("EVENTBRIDGE_REGION", "eu-west-1"),
];

/// Starts `serve`, and answers the one line with which it refuses.
fn refusal(flags: &[&str], settings: &[(&str, &str)]) -> String {
    let place = Place::new();
    let mut command = Command::new(program("bf-manage-core"));
    command
        .current_dir(place.file(""))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(flags);
    let mut refused = Running::start_with(&mut command, SOUND.iter().chain(settings).copied());
    assert_eq!(refused.wait_for_exit().code(), Some(1));
    let complaints = refused.stderr();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    complaints.concat()
}

#[test]
fn each_setting_of_dev_is_one_line_that_names_it() {
    for (name, value) in [
        ("SCHEDULER", "in_process"),
        ("EVENTBRIDGE_GROUP", "default"),
        ("EVENTBRIDGE_ENDPOINT_URL", "http://127.0.0.1:5000"),
        ("AUTH_ISSUER", "http://idp.example/pool"),
        ("AUTH_ISSUER", "http://bf-dev-issuer.localhost"),
        ("AUTH_JWKS_URL", "http://127.0.0.1:8080/dev/jwks.json"),
        ("AUTH_JWKS_URL", "https://localhost/jwks.json"),
        ("AUTH_CLIENT_IDS", ""),
        ("AUTH_CLIENT_IDS", "web,bf-dev"),
        ("PROVIDER_ALLOWED_HOSTS", "my.geotab.com,127.0.0.1"),
        ("PROVIDER_ALLOWED_HOSTS", "*.geotab.com"),
        (
            "DATABASE_URL",
            "postgres://postgres@localhost/telematics?host=/srv/dev/postgres/dev-pg15/run",
        ),
    ] {
        let line = refusal(&[], &[(name, value)]);
        assert!(
            line.starts_with(&format!("bf-manage-core: {name}")),
            "{name}={value}: {line}"
        );
    }
    let line = refusal(&["--dev-data", "."], &[]);
    assert!(line.contains("--dev-data"), "{line}");
}

/// It is asked for last: by then nothing else is wrong.
#[test]
fn a_sound_configuration_lacks_only_the_database_whose_password_is_not_shown() {
    let line = refusal(&[], &[]);
    assert!(line.contains("the database is not ready"), "{line}");
    assert!(!line.contains("canary-password"), "{line}");
}

#[test]
fn a_dev_refuses_the_production_profile() {
    let place = Place::new();
    let mut command = place.command("127.0.0.1:0");
    let mut refused = Running::start_with(&mut command, [("PROFILE", "production")]);
    assert_eq!(refused.wait_for_exit().code(), Some(1));
    let complaints = refused.stderr();
    assert!(
        complaints.len() == 1 && complaints[0].starts_with("bf-manage-core: PROFILE "),
        "{complaints:#?}"
    );
    assert!(!place.data().exists(), "nothing was begun");
}
