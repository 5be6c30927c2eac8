//! Cutover flags: changed, recorded, rolled back.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace, minutes};

use crate::service::{NORTH, POLL, SYSTEM_ADMIN, Service, VIEWER};

const PATH: &str = "/workspaces/depot-north/cutover";

fn flags(registry: &str, poll: &str, read: &str, mode: &str) -> Value {
    json!({"device_registry_source": registry, "poll_owner": poll, "read_owner": read, "provider_mode": mode})
}

#[tokio::test]
async fn flags_are_shown_with_their_latest_change() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let first = service.get(SYSTEM_ADMIN, PATH).await;
    assert_eq!(
        first.of(200),
        json!({"device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed",
               "version": 1, "changed_at": "2026-11-22T08:00:00Z", "changed_by": "anna", "warnings": []})
    );
    assert_eq!(first.version(), 1);
    let change = json!({"poll_owner": "both_shadow", "read_owner": "legacy", "reason": "two weeks of shadow"});
    let patched = service.patch(SYSTEM_ADMIN, PATH, &change).await;
    assert_eq!(
        patched.of(200),
        json!({"device_registry_source": "core", "poll_owner": "both_shadow", "read_owner": "legacy", "provider_mode": "mixed",
               "version": 2, "changed_at": "2026-11-23T08:00:00Z", "changed_by": "person:dev-user", "warnings": []})
    );
    assert_eq!(patched.version(), 2);
    assert_eq!(
        service.get(SYSTEM_ADMIN, PATH).await.of(200),
        patched.of(200)
    );
    let nothing = service
        .patch(
            SYSTEM_ADMIN,
            PATH,
            &json!({"poll_owner": "both_shadow", "reason": "again"}),
        )
        .await;
    assert_eq!(nothing.of(200), patched.of(200));
}

#[tokio::test]
async fn a_risky_combination_is_allowed_and_warned_of() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for (change, codes) in [
        (
            flags("core", "legacy", "core", "mixed"),
            vec!["reads_without_polls"],
        ),
        (
            flags("core", "core", "legacy", "mixed"),
            vec!["legacy_reads_unfed"],
        ),
        (
            flags("core", "both_shadow", "core", "depot_sim"),
            vec!["reads_in_shadow", "simulated_only"],
        ),
        (
            flags("legacy_sync", "legacy", "legacy", "legacy_provider"),
            vec![],
        ),
    ] {
        let answer = service.put(SYSTEM_ADMIN, PATH, &change).await.of(200);
        let warnings = answer["warnings"].as_array().expect("warnings");
        let said: Vec<&str> = warnings
            .iter()
            .filter_map(|warning| warning["code"].as_str())
            .collect();
        assert_eq!(said, codes);
        assert!(warnings.iter().all(|warning| warning["detail"].is_string()));
    }
}

#[tokio::test]
async fn a_rollback_is_one_call_and_is_in_the_history() {
    let workspace = a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(1)));
    let (service, fleet) = Service::with(workspace).await;
    let waiting = fleet.trigger(None).await.cycle_id.to_string();
    let snapshot = "/workspaces/depot-north/snapshots/bus-1";
    service.get(VIEWER, snapshot).await.of(200);

    let path = "/workspaces/depot-north/cutover/rollback";
    let answer = service
        .post(SYSTEM_ADMIN, path, &json!({"reason": "values are wrong"}))
        .await;
    let back = answer.of(200);
    assert_eq!(
        (&back["read_owner"], &back["poll_owner"]),
        (&json!("legacy"), &json!("legacy"))
    );
    assert_eq!(
        (&back["device_registry_source"], &back["provider_mode"]),
        (&json!("core"), &json!("mixed"))
    );
    assert_eq!((answer.version(), &back["version"]), (2, &json!(2)));
    service
        .get(VIEWER, snapshot)
        .await
        .problem(503, "legacy-unavailable");
    let cycle = service
        .get(
            VIEWER,
            &format!("/workspaces/depot-north/poll-cycles/{waiting}"),
        )
        .await
        .of(200);
    assert_eq!(
        (&cycle["status"], &cycle["reason"]),
        (&json!("skipped"), &json!("not_owner"))
    );
    let trigger = service
        .post(POLL, "/poll-cycles", &json!({"workspace_id": NORTH}))
        .await
        .of(200);
    assert_eq!(
        (&trigger["outcome"], &trigger["reason"]),
        (&json!("skipped"), &json!("not_owner"))
    );

    // Again is no change, without words as well.
    assert_eq!(
        service.post(SYSTEM_ADMIN, path, &json!({})).await.of(200),
        back
    );
    let changes = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-north/cutover/history")
        .await
        .of(200);
    assert_eq!(
        changes,
        json!({"next_cursor": null, "changes": [
            {"version": 2, "at": "2026-11-23T08:00:00Z", "by": "person:dev-user", "reason": "values are wrong",
             "from": flags("core", "core", "core", "mixed"), "to": flags("core", "legacy", "legacy", "mixed")},
            {"version": 1, "at": "2026-11-22T08:00:00Z", "by": "anna", "reason": null,
             "from": null, "to": flags("core", "core", "core", "mixed")},
        ]})
    );

    // Nothing was destroyed: taken back, the values are there.
    service
        .patch(
            SYSTEM_ADMIN,
            PATH,
            &json!({"read_owner": "core", "poll_owner": "core"}),
        )
        .await
        .of(200);
    assert_eq!(service.get(VIEWER, snapshot).await.of(200)["version"], 1);
}
