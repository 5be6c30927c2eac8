//! Good tokens, and whom they name.

use auth::{Principal, WorkspaceRole};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::issuer::{CLIENT, FIRST, NOW, World, header, machine, person, signed, token, with};

const API: &str = "urn:bf:telematics";

#[tokio::test]
async fn a_machine_is_named_with_its_scopes() {
    let world = World::new().await;
    let ingest = Principal::machine(CLIENT, ["telematics/ingest"]);
    let none = Principal::machine(CLIENT, [""; 0]);
    let cases: [(&str, Value, Principal); 9] = [
        ("one scope", machine(), ingest.clone()),
        (
            "several scopes",
            with(machine(), "scope", "telematics/ingest telematics/poll"),
            Principal::machine(CLIENT, ["telematics/ingest", "telematics/poll"]),
        ),
        (
            "spaces to spare",
            with(machine(), "scope", "  telematics/ingest  "),
            ingest.clone(),
        ),
        (
            "only the space separates",
            with(machine(), "scope", "a\ttelematics/ingest"),
            Principal::machine(CLIENT, ["a\ttelematics/ingest"]),
        ),
        (
            "no scope",
            with(machine(), "scope", Value::Null),
            none.clone(),
        ),
        (
            "scope as an array grants nothing",
            with(machine(), "scope", json!(["telematics/ingest"])),
            none,
        ),
        (
            "groups are no machine's",
            with(machine(), "cognito:groups", json!(["system-admin"])),
            ingest.clone(),
        ),
        (
            "no jti, no sub, no iat",
            ["jti", "sub", "iat"]
                .iter()
                .fold(machine(), |c, n| with(c, n, Value::Null)),
            ingest.clone(),
        ),
        (
            "another issuer's extra claims",
            with(machine(), "https://example.com/x", json!({"a": [1]})),
            ingest,
        ),
    ];
    for (case, claims, principal) in cases {
        assert_eq!(world.verify(&token(&claims)).await, Ok(principal), "{case}");
    }
}

#[tokio::test]
async fn a_person_is_named_with_their_groups() {
    let world = World::new().await;
    let named =
        |groups: &[&str]| Principal::person("9f6c2c1e-0001", CLIENT, groups.iter().copied());
    let cases = [
        ("staff", person(&["system-admin"]), named(&["system-admin"])),
        (
            "a workspace",
            person(&["workspace:w1:viewer"]),
            named(&["workspace:w1:viewer"]),
        ),
        (
            "no groups",
            with(person(&[]), "cognito:groups", Value::Null),
            named(&[]),
        ),
        (
            "groups as text grant nothing",
            with(person(&[]), "cognito:groups", "system-admin"),
            named(&[]),
        ),
        (
            "a group that is no text",
            with(person(&[]), "cognito:groups", json!(["support", 7])),
            named(&[]),
        ),
        (
            "scopes are no person's",
            with(person(&["support"]), "scope", "telematics/ingest"),
            named(&["support"]),
        ),
    ];
    for (case, claims, principal) in cases {
        assert_eq!(world.verify(&token(&claims)).await, Ok(principal), "{case}");
    }

    let viewer = world
        .verify(&token(&person(&["workspace:w1:viewer"])))
        .await
        .expect("a person");
    assert_eq!(viewer.workspace_role("w1"), Some(WorkspaceRole::Viewer));
    assert!(!viewer.is_staff());
}

#[tokio::test]
async fn the_clocks_of_issuer_and_verifier_may_differ_a_little() {
    let world = World::new().await;
    for (case, claims) in [
        ("expired 29 s ago", with(machine(), "exp", NOW - 29)),
        ("valid in 30 s", with(machine(), "nbf", NOW + 30)),
        ("issued in 60 s", with(machine(), "iat", NOW + 60)),
        ("valid since long", with(machine(), "nbf", 0)),
        (
            "until the end of the calendar",
            with(machine(), "exp", 253_402_300_799_i64),
        ),
    ] {
        assert!(world.verify(&token(&claims)).await.is_ok(), "{case}");
    }
}

#[tokio::test]
async fn an_audience_counts_when_there_is_one() {
    let configured = World::with_audience(Some(API)).await;
    for (case, audience) in [
        ("none, as Cognito has it", Value::Null),
        ("ours, as oidc-provider has it", API.into()),
        ("ours among others", json!(["urn:other", API])),
    ] {
        let claims = with(machine(), "aud", audience);
        assert!(
            configured.verify(&token(&claims)).await.is_ok(),
            "configured: {case}"
        );
    }

    let not_configured = World::new().await;
    for (case, audience) in [
        ("none", Value::Null),
        ("the client", CLIENT.into()),
        ("only clients", json!([CLIENT])),
    ] {
        let claims = with(machine(), "aud", audience);
        assert!(
            not_configured.verify(&token(&claims)).await.is_ok(),
            "not configured: {case}"
        );
    }
}

#[tokio::test]
async fn headers_of_every_honest_issuer_pass() {
    let world = World::new().await;
    for header in [
        header(),
        with(header(), "typ", "JWT"),
        with(header(), "typ", "at+jwt"),
        with(header(), "typ", "application/AT+JWT"),
        // Well signed by a published key: what else the header offers is not looked at.
        with(header(), "jku", "http://127.0.0.1:1/keys"),
        with(header(), "x5t", "abc"),
    ] {
        let token = signed(&header.to_string(), &machine().to_string(), &FIRST);
        assert!(world.verify(&token).await.is_ok(), "{header}");
    }
}

#[tokio::test]
async fn a_verifier_judges_times_by_its_clock() {
    let world = World::new().await;
    let claims = with(with(machine(), "iat", NOW + 86_400), "exp", NOW + 90_000);
    assert!(world.verify(&token(&claims)).await.is_err());
    world.clock.advance(TimeDelta::seconds(86_400));
    assert!(world.verify(&token(&claims)).await.is_ok());
}
