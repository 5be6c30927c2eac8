//! What becomes of a batch, item by item.

use domain::fleet::{Cutover, ProviderMode, ProviderType};
use serde_json::{Value, json};
use testkit::{CORE_OWNED, WorkspaceBuilder, a_connection, a_device, a_workspace, minutes};

use crate::service::{INGEST, NORTH, SYSTEM_ADMIN, Service, VIEWER};

pub const PATH: &str = "/workspaces/depot-north/ingest";

pub fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .with(a_device("bus-1"))
        .with(a_device("bus-2"))
        .with(a_device("bus-off").through("sim-off"))
}

pub async fn service() -> Service {
    Service::with(depot()).await.0
}

/// One update that lacks nothing.
pub fn update(device_id: &str, signals: Value) -> Value {
    let mut update = json!({"device_id": device_id, "observed_at": "2026-11-23T08:00:00Z"});
    update["signals"] = signals;
    update
}

#[tokio::test]
async fn the_contracts_example() {
    let service = service().await;
    let body = json!({"updates": [
        {"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00.000Z", "message_id": "m-1",
         "signals": {"state_of_charge_percent": 71.5, "odometer_km": 88526.4,
                     "position": {"latitude_deg": 52.0934, "longitude_deg": 5.1173}, "speed_kmh": 900}},
        {"provider_id": "sim-main", "external_id": "b2C", "observed_at": "2026-11-23T08:00:03Z", "signals": {"speed_kmh": 0}}]});
    let answer = service.post(INGEST, PATH, &body).await.of(200);
    assert_eq!(
        answer,
        json!({
            "summary": {"received": 2, "accepted": 1, "duplicate": 0, "stale": 0, "rejected": 1},
            "results": [
                {"index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1", "message_id": "m-1",
                 "ignored_signals": [], "dropped_signals": [{"signal": "speed_kmh", "reason": "out_of_range"}]},
                {"index": 1, "outcome": "rejected", "reason": "unknown_device",
                 "detail": "no active device of connection sim-main has the external id b2C",
                 "device_id": null, "message_id": null, "ignored_signals": [], "dropped_signals": []},
            ],
        })
    );
}

#[tokio::test]
async fn accepted_duplicate_stale_and_partly_ignored() {
    let service = service().await;
    let soc = |at: &str, percent: f64| json!({"device_id": "bus-1", "observed_at": at, "signals": {"state_of_charge_percent": percent}});
    let results = service
        .ingest(json!([
            soc("2026-11-23T08:00:00Z", 70.0),
            soc("2026-11-23T09:00:00+01:00", 70.0),
            soc("2026-11-23T07:59:00Z", 71.0),
            // Of equal times the greater value counts, whichever comes first.
            soc("2026-11-23T08:00:00Z", 69.0),
            soc("2026-11-23T08:00:00Z", 70.5),
            {"device_id": "bus-1", "observed_at": "2026-11-23T07:59:30Z", "signals": {"state_of_charge_percent": 1, "speed_kmh": 30}},
            {"provider_id": "sim-main", "external_id": "bus-1-unit", "observed_at": "2026-11-23T08:00:01Z", "signals": {"speed_kmh": 31}},
        ]))
        .await;
    let outcomes: Vec<&str> = results
        .iter()
        .filter_map(|result| result["outcome"].as_str())
        .collect();
    assert_eq!(
        outcomes,
        [
            "accepted",
            "duplicate",
            "stale",
            "stale",
            "accepted",
            "accepted",
            "accepted"
        ]
    );
    assert_eq!(
        results[5]["ignored_signals"],
        json!(["state_of_charge_percent"])
    );
    assert!(
        results
            .iter()
            .all(|result| result["device_id"] == "bus-1" && result["reason"].is_null())
    );
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    assert_eq!(snapshot["version"], 4);
    assert_eq!(
        snapshot["signals"]["state_of_charge_percent"]["value"],
        70.5
    );
    assert_eq!(snapshot["signals"]["speed_kmh"]["value"], 31.0);
}

/// A good update of `bus-1`, but for one member.
pub fn with(member: &str, value: Value) -> Value {
    let mut item = update("bus-1", json!({"speed_kmh": 1}));
    item[member] = value;
    item
}

#[tokio::test]
async fn ten_thousand_updates_are_one_batch() {
    let devices = (0..100).map(|n| a_device(&format!("bus-{n:03}")));
    let (service, _) = Service::with(a_workspace(NORTH).with_all(devices)).await;
    let updates: Vec<Value> = (0..10_000)
        .map(|n| {
            let observed_at = testkit::start() - minutes(100) + testkit::seconds(n / 100);
            json!({"device_id": format!("bus-{:03}", n % 100), "observed_at": observed_at, "signals": {"odometer_km": n}})
        })
        .collect();
    let answer = service
        .post(INGEST, PATH, &json!({"updates": updates}))
        .await
        .of(200);
    assert_eq!(
        answer["summary"],
        json!({"received": 10_000, "accepted": 10_000, "duplicate": 0, "stale": 0, "rejected": 0})
    );
    let results = answer["results"].as_array().expect("results");
    assert!(
        results
            .iter()
            .enumerate()
            .all(|(at, result)| result["index"] == at)
    );
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-007")
        .await
        .of(200);
    assert_eq!(
        (
            &snapshot["version"],
            &snapshot["signals"]["odometer_km"]["value"]
        ),
        (&json!(100), &json!(9907.0))
    );
}

#[tokio::test]
async fn a_workspace_that_takes_no_updates_refuses_the_whole_batch() {
    let service = service().await;
    let body = json!({"updates": [update("bus-1", json!({"speed_kmh": 1}))]});
    service
        .post(INGEST, "/workspaces/depot-east/ingest", &body)
        .await
        .problem(404, "not-found");
    let inactive = json!({"name": "North", "active": false});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-north", &inactive)
        .await
        .of(200);
    service
        .post(INGEST, PATH, &body)
        .await
        .problem(409, "workspace-inactive");
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    assert_eq!(snapshot["version"], 0);
}

#[tokio::test]
async fn the_provider_mode_decides_whose_updates_are_taken() {
    let flags = Cutover {
        provider_mode: ProviderMode::LegacyProvider,
        ..CORE_OWNED
    };
    let workspace = a_workspace(NORTH)
        .flags(flags)
        .through(a_connection("sim-main"))
        .through(a_connection("geotab-main").of_type(ProviderType::Geotab))
        .with(a_device("bus-1"))
        .with(a_device("bus-2").through("geotab-main"));
    let (service, _) = Service::with(workspace).await;
    let signals = json!({"speed_kmh": 1});
    let results = service
        .ingest(json!([
            update("bus-1", signals.clone()),
            update("bus-2", signals)
        ]))
        .await;
    assert_eq!(results[0]["reason"], "provider_not_allowed");
    assert_eq!(results[1]["outcome"], "accepted");
}

/// While the legacy service polls, pushed updates are still taken.
#[tokio::test]
async fn a_push_needs_no_poll_owner() {
    let flags = Cutover {
        poll_owner: domain::fleet::PollOwner::Legacy,
        ..CORE_OWNED
    };
    let (service, _) = Service::with(a_workspace(NORTH).flags(flags).with(a_device("bus-1"))).await;
    let results = service
        .ingest(json!([update("bus-1", json!({"speed_kmh": 1}))]))
        .await;
    assert_eq!(results[0]["outcome"], "accepted");
}
