//! Members that break a rule, one at a time: each is named by its pointer, never a 5xx.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{Caller, FORWARD, INGEST, NORTH, SYSTEM_ADMIN, Service};

/// Puts each value into a body that lacks nothing, at the first member of its pointer.
pub async fn each_is_named(method: Method, path: &str, sound: Value, wrong: &[(&str, Value)]) {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    let caller = match path {
        "/dev/token" => Caller::Nobody,
        path if path.ends_with("/ingest") => INGEST,
        path if path.ends_with("/provider-ingest") => FORWARD,
        _ => SYSTEM_ADMIN,
    };
    let mut unnamed = Vec::new();
    for (pointer, value) in wrong {
        let mut body = sound.clone();
        let member = pointer.split('/').nth(1).expect("a member");
        body[member] = value.clone();
        let answer = service.call(caller, &method, path).json(&body).await;
        let said: Value = serde_json::from_str(&answer.text()).unwrap_or_default();
        let named = said["errors"][0]["pointer"] == *pointer;
        if answer.status != 400 || !named {
            unnamed.push(format!("{pointer} {value}: {} {said}", answer.status));
        }
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}

#[tokio::test]
async fn a_wrong_member_of_a_device_is_named() {
    let sound = json!({"vehicle_id": "bus-1", "provider_id": "sim-main", "external_id": "x"});
    let wrong = [
        ("/vehicle_id", json!(7)),
        ("/vehicle_id", json!("-bus")),
        ("/vehicle_id", json!(null)),
        ("/provider_id", json!("a b")),
        ("/provider_id", json!(["sim-main"])),
        ("/external_id", json!("a\u{0}b")),
        ("/external_id", json!("")),
        ("/external_id", json!("x".repeat(129))),
        ("/nope", json!(1)),
    ];
    each_is_named(
        Method::PUT,
        "/workspaces/depot-north/devices/bus-1",
        sound,
        &wrong,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_member_of_a_follow_up_is_named() {
    let sound = json!({"contacted": true, "snoozed_until": null, "note": null});
    let wrong = [
        ("/contacted", json!("yes")),
        ("/contacted", json!(null)),
        ("/snoozed_until", json!("tomorrow")),
        ("/snoozed_until", json!("2026-12-01")),
        ("/snoozed_until", json!("2026-12-01T08:00:00")),
        ("/snoozed_until", json!("+12026-12-01T08:00:00Z")),
        ("/snoozed_until", json!(1_795_420_500_000_u64)),
        ("/note", json!("a\u{0}b")),
        ("/note", json!("\u{1b}[2J")),
        ("/note", json!("\u{202e}gpj.exe")),
        ("/note", json!("x".repeat(1001))),
        ("/note", json!({"text": "x"})),
        ("/nope", json!(1)),
    ];
    let path = "/workspaces/depot-north/devices/bus-1/follow-up";
    each_is_named(Method::PUT, path, sound, &wrong).await;
}

#[tokio::test]
async fn a_wrong_member_of_a_connection_is_named() {
    let sound = json!({"provider_type": "depot_sim", "base_url": "http://127.0.0.1:1/a"});
    let wrong = [
        ("/provider_type", json!("tesla")),
        ("/base_url", json!("http://example.com")),
        ("/base_url", json!("https://169.254.169.254/")),
        ("/base_url", json!("https://my.geotab.com@evil.example/")),
        ("/base_url", json!("http://127.0.0.1:1/a\u{0}b")),
        ("/base_url", json!("http://127.0.0.1:1/a\nb")),
        ("/base_url", json!("")),
        ("/credential_ref", json!("env:DATABASE_URL")),
        ("/credential_ref", json!("file:../secret")),
        ("/credential_ref", json!("file:a\u{0}b")),
        ("/credential_ref", json!("hunter2")),
        ("/enabled", json!("yes")),
        ("/expected_reporting_interval_minutes", json!(0)),
        ("/expected_reporting_interval_minutes", json!(1441)),
        ("/expected_reporting_interval_minutes", json!(-1)),
        ("/settings", json!([])),
        ("/settings", json!({"a": "b\u{0}"})),
        ("/settings", json!({"a\u{0}": 1})),
    ];
    let path = "/workspaces/depot-north/provider-connections/sim-main";
    each_is_named(Method::PUT, path, sound, &wrong).await;
}

#[tokio::test]
async fn a_wrong_member_of_a_policy_is_named() {
    let sound = json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60});
    let wrong = [
        ("/poll_interval_minutes", json!(7)),
        ("/poll_interval_minutes", json!("5")),
        ("/poll_interval_minutes", json!(5.5)),
        ("/stale_threshold_minutes", json!(5)),
        ("/stale_threshold_minutes", json!(1441)),
        ("/no_data_grace_minutes", json!(4)),
        ("/no_data_grace_minutes", json!(10_081)),
        ("/no_data_grace_minutes", json!(1e300)),
        ("/no_data_grace_minutes", json!(u64::MAX)),
    ];
    each_is_named(Method::PUT, "/workspaces/depot-north/policy", sound, &wrong).await;
}

#[tokio::test]
async fn every_wrong_member_of_a_policy_is_named_at_once() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let path = "/workspaces/depot-north/policy";
    let put = async |interval: u32, stale: u32, grace: u32| {
        let body = json!({"poll_interval_minutes": interval, "stale_threshold_minutes": stale, "no_data_grace_minutes": grace});
        service.put(SYSTEM_ADMIN, path, &body).await
    };
    put(7, 5, 4).await.names(&[
        "/poll_interval_minutes",
        "/stale_threshold_minutes",
        "/no_data_grace_minutes",
    ]);
    let told = put(15, 15, 60).await.problem(400, "validation");
    assert_eq!(
        told["errors"],
        json!([{"pointer": "/stale_threshold_minutes", "detail": "must be above poll_interval_minutes"}])
    );
}

#[tokio::test]
async fn a_wrong_member_of_flags_is_named() {
    let sound = json!({"device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed"});
    let wrong = [
        ("/poll_owner", json!("nobody")),
        ("/poll_owner", json!(null)),
        ("/read_owner", json!("both_shadow")),
        ("/reason", json!("x".repeat(1001))),
        ("/reason", json!("a\u{0}")),
        ("/reason", json!(1)),
    ];
    let path = "/workspaces/depot-north/cutover";
    each_is_named(Method::PUT, path, sound, &wrong).await;
    let wrong = [
        ("/read_owner", json!("both_shadow")),
        ("/reason", json!("a\u{0}")),
        ("/version", json!(1)),
    ];
    each_is_named(Method::PATCH, path, json!({}), &wrong).await;
    let wrong = [
        ("/reason", json!("a\u{0}")),
        ("/reason", json!("x".repeat(1001))),
        ("/reason", json!(1)),
        ("/read_owner", json!("legacy")),
    ];
    let path = "/workspaces/depot-north/cutover/rollback";
    each_is_named(Method::POST, path, json!({}), &wrong).await;
}

#[tokio::test]
async fn a_wrong_member_of_a_workspace_is_named() {
    let wrong = [
        ("/name", json!("")),
        ("/name", json!(" ")),
        ("/name", json!("a\u{0}b")),
        ("/name", json!("x".repeat(201))),
        ("/active", json!("true")),
        (
            "/cutover/device_registry_source",
            json!({"poll_owner": "core"}),
        ),
        ("/cutover/nope", json!({"nope": 1})),
    ];
    let sound = json!({"name": "North", "active": true});
    each_is_named(Method::PUT, "/workspaces/depot-north", sound, &wrong).await;
}

#[tokio::test]
async fn a_member_that_is_missing_or_comes_twice_is_named() {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    for (method, path, body, pointer) in [
        (
            "PUT",
            "/workspaces/depot-north",
            r#"{"active":true}"#,
            "/name",
        ),
        (
            "PUT",
            "/workspaces/depot-north",
            r#"{"name":"a","active":true,"name":"b"}"#,
            "/name",
        ),
        (
            "PUT",
            "/workspaces/depot-north",
            r#"{"name":"a","created_at":1,"created_at":2}"#,
            "/created_at",
        ),
        (
            "PUT",
            "/workspaces/depot-north/policy",
            r#"{"version":1,"version":1}"#,
            "/version",
        ),
        (
            "PUT",
            "/workspaces/depot-north/policy",
            r#"{"poll_interval_minutes":5,"stale_threshold_minutes":15}"#,
            "/no_data_grace_minutes",
        ),
        (
            "PUT",
            "/workspaces/depot-north/devices/bus-1",
            r#"{"vehicle_id":"a","vehicle_id":"a"}"#,
            "/vehicle_id",
        ),
        (
            "PATCH",
            "/workspaces/depot-north/cutover",
            r#"{"poll_owner":"core","poll_owner":"core"}"#,
            "/poll_owner",
        ),
        (
            "POST",
            "/poll-cycles",
            r#"{"workspace_id":"a","workspace_id":"a"}"#,
            "/workspace_id",
        ),
        ("POST", "/poll-cycles", "{}", "/workspace_id"),
        (
            "POST",
            "/workspaces/depot-north/ingest",
            r#"{"updates":[1],"updates":[2]}"#,
            "/updates",
        ),
        ("POST", "/workspaces/depot-north/ingest", "{}", "/updates"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let caller = if path.ends_with("/ingest") {
            INGEST
        } else {
            SYSTEM_ADMIN
        };
        let answer = service.call(caller, &method, path).said_json(body).await;
        answer.names(&[pointer]);
    }
}
