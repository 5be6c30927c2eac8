//! Health over HTTP: shapes, filters, groups.

use domain::fleet::{Cutover, ReadOwner};
use serde_json::{Value, json};
use testkit::{
    CORE_OWNED, WorkspaceBuilder, a_connection, a_device, a_report, a_workspace, minutes,
};

use crate::service::{NORTH, Service, VIEWER};

/// One device in every state; `two-*` share a vehicle.
fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .with(a_device("awaiting").configured(minutes(10)))
        .with(a_device("delayed").silent_for(minutes(10)))
        .with(a_device("never").configured(minutes(120)))
        .with(a_device("silent").silent_for(minutes(21)))
        .with(
            a_device("two-good")
                .fitted_to("coach")
                .silent_for(minutes(2)),
        )
        .with(
            a_device("two-silent")
                .fitted_to("coach")
                .silent_for(minutes(30)),
        )
}

async fn health(service: &Service, query: &str) -> Value {
    service
        .get(VIEWER, &format!("/workspaces/depot-north/health{query}"))
        .await
        .of(200)
}

fn ids(list: &Value, of: &str) -> Vec<String> {
    let items = list.as_array().expect("a list");
    items
        .iter()
        .filter_map(|item| item[of].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_filter_picks_devices_and_leaves_the_counts() {
    let (service, fleet) = Service::with(depot()).await;
    fleet
        .polled([a_report("sim-main").missing(["silent"])])
        .await;
    let all = health(&service, "").await;
    for (query, expected) in [
        ("?state=stale", vec!["silent", "two-silent"]),
        ("?state=healthy", vec!["two-good"]),
        ("?state=configured-no-data", vec!["never"]),
        ("?state=awaiting-first-data", vec!["awaiting"]),
        ("?reason=not_returned_by_provider", vec!["silent"]),
        ("?state=healthy&reason=not_returned_by_provider", vec![]),
        ("?vehicle=coach", vec!["two-good", "two-silent"]),
        ("?vehicle=coach&state=stale", vec!["two-silent"]),
        ("?vehicle=nobodys", vec![]),
        ("?by=device&state=stale", vec!["silent", "two-silent"]),
    ] {
        let answer = health(&service, query).await;
        assert_eq!(ids(&answer["devices"], "device_id"), expected, "{query}");
        assert_eq!(
            (&answer["counts"], &answer["freshness"]),
            (&all["counts"], &all["freshness"]),
            "{query}"
        );
    }
    let of_devices = health(&service, "?responsibility=device").await;
    assert!(
        of_devices["devices"]
            .as_array()
            .is_some_and(|devices| !devices.is_empty())
    );
    for device in of_devices["devices"].as_array().expect("devices") {
        assert_eq!(device["responsibility"], "device");
    }
}

#[tokio::test]
async fn by_vehicle_the_mildest_counts_and_the_worst_is_beside_it() {
    let (service, _) = Service::with(depot()).await;
    let answer = health(&service, "?by=vehicle").await;
    assert!(answer.get("devices").is_none());
    let vehicles = ids(&answer["vehicles"], "vehicle_id");
    assert_eq!(
        vehicles,
        [
            "awaiting-vehicle",
            "coach",
            "delayed-vehicle",
            "never-vehicle",
            "silent-vehicle"
        ]
    );
    let coach = &answer["vehicles"][1];
    assert_eq!(
        (&coach["state"], &coach["worst_device_state"]),
        (&json!("healthy"), &json!("stale"))
    );
    assert_eq!(coach["last_update_received_at"], "2026-11-23T07:58:00Z");
    assert_eq!(
        ids(&coach["devices"], "device_id"),
        ["two-good", "two-silent"]
    );
    assert_eq!(
        coach["devices"][0].as_object().map(serde_json::Map::len),
        Some(19)
    );
    assert_eq!(coach.as_object().map(serde_json::Map::len), Some(5));
}

#[tokio::test]
async fn time_alone_moves_a_device_on() {
    let workspace = a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(0)));
    let (service, _) = Service::with(workspace).await;
    let mut passed = minutes(0);
    for (after, state) in [
        (minutes(6), "healthy"),
        (minutes(6) + chrono::TimeDelta::microseconds(1), "delayed"),
        (minutes(15), "delayed"),
        (minutes(15) + chrono::TimeDelta::microseconds(1), "stale"),
    ] {
        service.fixture.clock.advance(after - passed);
        passed = after;
        let answer = health(&service, "").await;
        assert_eq!(answer["devices"][0]["state"], state, "after {after}");
    }
}

#[tokio::test]
async fn a_declared_interval_stretches_its_devices_threshold() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main").reporting_every_minutes(30))
        .with(a_device("bus-1").silent_for(minutes(40)));
    let (service, _) = Service::with(workspace).await;
    let device = health(&service, "").await["devices"][0].take();
    assert_eq!(
        (&device["state"], &device["stale_threshold_seconds"]),
        (&json!("delayed"), &json!(5400))
    );
}

#[tokio::test]
async fn while_the_legacy_service_owns_reads_health_is_ours_and_says_so() {
    let flags = Cutover {
        read_owner: ReadOwner::Legacy,
        ..CORE_OWNED
    };
    let (service, _) = Service::with(depot().flags(flags)).await;
    let answer = health(&service, "").await;
    assert_eq!(
        (&answer["source"], &answer["authoritative"]),
        (&json!("core"), &json!(false))
    );
    assert_eq!(answer["devices"].as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn an_empty_workspace_has_no_share() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let answer = health(&service, "").await;
    assert_eq!(
        answer["freshness"],
        json!({"within_5_minutes": 0, "eligible_devices": 0, "within_5_minutes_percent": null})
    );
    assert_eq!(answer["devices"], json!([]));
    assert_eq!(answer["counts"]["healthy"], 0);
    let unknown = service
        .get(
            crate::service::SYSTEM_ADMIN,
            "/workspaces/depot-west/health",
        )
        .await;
    unknown.problem(404, "not-found");
}
