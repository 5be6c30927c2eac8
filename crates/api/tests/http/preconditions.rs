//! `ETag` and `If-Match` on configuration.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{NORTH, SYSTEM_ADMIN, Service};

/// Each configuration resource with one change after another of it.
fn resources() -> Vec<(&'static str, Vec<Value>)> {
    let flags = |owner: &str| json!({"device_registry_source": "core", "poll_owner": owner, "read_owner": "core", "provider_mode": "mixed"});
    let policy = |grace: u32| json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 15, "no_data_grace_minutes": grace});
    let device = |external_id: &str| json!({"vehicle_id": "bus-1", "provider_id": "sim-main", "external_id": external_id});
    let connection = |n: u32| json!({"provider_type": "depot_sim", "base_url": "http://127.0.0.1:1/a", "enabled": true, "settings": {"n": n, "a": [1.5, {"b": null}]}});
    let workspace = |name: &str| json!({"name": name, "active": true});
    vec![
        (
            "/workspaces/depot-north",
            vec![workspace("A"), workspace("B"), workspace("C")],
        ),
        (
            "/workspaces/depot-north/policy",
            vec![policy(61), policy(62), policy(63)],
        ),
        (
            "/workspaces/depot-north/cutover",
            vec![flags("both_shadow"), flags("core"), flags("legacy")],
        ),
        (
            "/workspaces/depot-north/devices/bus-1",
            vec![device("a"), device("b"), device("c")],
        ),
        (
            "/workspaces/depot-north/provider-connections/sim-main",
            vec![connection(1), connection(2), connection(3)],
        ),
    ]
}

async fn service() -> Service {
    Service::with(a_workspace(NORTH).with(a_device("bus-1")))
        .await
        .0
}

#[tokio::test]
async fn a_version_that_has_passed_is_412_with_what_is_there_now() {
    let service = service().await;
    for (path, changes) in resources() {
        let put = |body: &Value, tag: String| {
            let body = body.clone();
            let call = service
                .call(SYSTEM_ADMIN, &Method::PUT, path)
                .header("if-match", tag);
            async move { call.json(&body).await }
        };
        let shown = service.get(SYSTEM_ADMIN, path).await;
        let first = shown.version();
        let changed = put(&changes[0], format!("\"{first}\"")).await;
        changed.of(200);
        assert_eq!(changed.version(), first + 1, "{path}");

        for outdated in [
            format!("\"{first}\""),
            "\"99\"".to_owned(),
            format!("W/\"{}\"", first + 1),
            "\"abc\"".to_owned(),
        ] {
            let refused = put(&changes[1], outdated.clone()).await;
            let problem = refused.problem(412, "precondition-failed");
            assert_eq!(problem["current"], changed.of(200), "{path} {outdated}");
        }
        let one_of = put(&changes[1], format!("\"{first}\", \"{}\"", first + 1)).await;
        assert_eq!(
            (one_of.status, one_of.version()),
            (200, first + 2),
            "{path}"
        );
        let unconditional = put(&changes[2], "*".to_owned()).await;
        assert_eq!(
            (unconditional.status, unconditional.version()),
            (200, first + 3),
            "{path}"
        );
        let unasked = service.put(SYSTEM_ADMIN, path, &changes[0]).await;
        assert_eq!(
            (unasked.status, unasked.version()),
            (200, first + 4),
            "{path}"
        );
    }
}

#[tokio::test]
async fn put_takes_gets_own_form_back_and_keeps_the_version() {
    let service = service().await;
    for (path, changes) in resources() {
        service.put(SYSTEM_ADMIN, path, &changes[0]).await.of(200);
        let before = service.get(SYSTEM_ADMIN, path).await;
        let put = service.put(SYSTEM_ADMIN, path, &before.of(200)).await;
        assert_eq!(put.of(200), before.of(200), "{path}");
        let after = service.get(SYSTEM_ADMIN, path).await;
        assert_eq!(
            (put.version(), after.version()),
            (before.version(), before.version()),
            "{path}"
        );
        assert_eq!(after.of(200), before.of(200), "{path}");
        // Read-only members are ignored, whatever they say.
        let mut body = before.of(200);
        for (name, member) in body.as_object_mut().expect("an object") {
            if !changes[0]
                .as_object()
                .is_some_and(|written| written.contains_key(name))
                && name != "credential_ref"
                && name != "expected_reporting_interval_minutes"
            {
                *member = json!({"whatever": [1, null]});
            }
        }
        let put = service.put(SYSTEM_ADMIN, path, &body).await;
        assert_eq!(put.of(200), before.of(200), "{path}");
        assert_eq!(put.version(), before.version(), "{path}");
    }
}

#[tokio::test]
async fn delete_honours_if_match() {
    let service = service().await;
    for path in [
        "/workspaces/depot-north/devices/bus-1",
        "/workspaces/depot-north/provider-connections/sim-main",
    ] {
        let shown = service.get(SYSTEM_ADMIN, path).await;
        let delete = |tag: String| {
            service
                .call(SYSTEM_ADMIN, &Method::DELETE, path)
                .header("if-match", tag)
                .send()
        };
        let problem = delete("\"99\"".to_owned())
            .await
            .problem(412, "precondition-failed");
        assert_eq!(problem["current"], shown.of(200));
        let deleted = delete(format!("\"{}\"", shown.version())).await;
        assert_eq!(
            (deleted.status, deleted.text()),
            (204, String::new()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_rollback_has_no_precondition() {
    let service = service().await;
    let call = service
        .call(
            SYSTEM_ADMIN,
            &Method::POST,
            "/workspaces/depot-north/cutover/rollback",
        )
        .header("if-match", "\"99\"");
    assert_eq!(
        call.json(&json!({"reason": "values are wrong"}))
            .await
            .of(200)["read_owner"],
        "legacy"
    );
}
