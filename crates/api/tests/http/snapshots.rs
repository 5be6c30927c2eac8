//! Values: of a device, of a vehicle, and while the legacy service owns them.

use domain::fleet::{Cutover, ReadOwner};
use domain::signals::Signal;
use serde_json::{Value, json};
use testkit::{CORE_OWNED, a_device, a_workspace, an_update, minutes, start};

use crate::service::{NORTH, SYSTEM_ADMIN, Service, VIEWER};

async fn get(service: &Service, path: &str) -> Value {
    service
        .get(VIEWER, &format!("/workspaces/depot-north{path}"))
        .await
        .of(200)
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().expect("a list");
    items
        .iter()
        .filter_map(|item| item["device_id"].as_str())
        .collect()
}

#[tokio::test]
async fn each_signal_has_an_age_of_its_own() {
    let (service, fleet) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    for (signal, silent) in [
        ("speed_kmh", 1),
        ("odometer_km", 7),
        ("state_of_charge_percent", 16),
    ] {
        fleet
            .push([an_update("bus-1")
                .observed(start() - minutes(silent))
                .with(signal, 5)])
            .await;
    }
    let snapshot = get(&service, "/snapshots/bus-1").await;
    for (signal, state) in [
        ("speed_kmh", "fresh"),
        ("odometer_km", "delayed"),
        ("state_of_charge_percent", "stale"),
    ] {
        assert_eq!(snapshot["signals"][signal]["state"], state, "{signal}");
    }
    let stale = get(&service, "/snapshots/bus-1?signal_state=stale").await;
    assert_eq!(
        stale["signals"]
            .as_object()
            .map(|held| held.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["state_of_charge_percent".to_owned()])
    );
    let speed = get(&service, "/snapshots/bus-1?signal=speed_kmh").await;
    assert_eq!(
        speed["signals"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(speed["signals"]["speed_kmh"]["value"], 5.0);
}

#[tokio::test]
async fn a_list_can_be_asked_for_devices_whose_signal_is_old() {
    let devices = [("bus-1", 1), ("bus-2", 20), ("bus-3", 1), ("bus-4", 30)];
    let workspace = a_workspace(NORTH)
        .with_all(devices.map(|(id, silent)| a_device(id).silent_for(minutes(silent))));
    let (service, fleet) = Service::with(workspace).await;
    let stale = get(
        &service,
        "/snapshots?signal=state_of_charge_percent&signal_state=stale",
    )
    .await;
    assert_eq!(ids(&stale["snapshots"]), ["bus-2", "bus-4"]);
    assert_eq!(
        ids(&get(&service, "/snapshots?signal_state=fresh").await["snapshots"]),
        ["bus-1", "bus-3"]
    );
    assert_eq!(
        ids(&get(&service, "/snapshots?signal=speed_kmh&signal_state=stale").await["snapshots"]),
        Vec::<&str>::new()
    );

    // Of a device that is listed, only the signals that it is listed for.
    fleet
        .push([an_update("bus-2").observed(start()).with("odometer_km", 7)])
        .await;
    let shown = get(&service, "/snapshots?signal_state=stale").await["snapshots"][0].take();
    assert_eq!(shown["device_id"], "bus-2");
    assert!(
        shown["signals"]["state_of_charge_percent"].is_object(),
        "{shown}"
    );
    assert!(shown["signals"].get("odometer_km").is_none(), "{shown}");

    // Pages of a filtered list hold as many as were asked for, and each device once.
    let first = get(&service, "/snapshots?signal_state=stale&limit=1").await;
    assert_eq!(ids(&first["snapshots"]), ["bus-2"]);
    let cursor = first["next_cursor"].as_str().expect("a next page");
    let second = get(
        &service,
        &format!("/snapshots?signal_state=stale&limit=1&cursor={cursor}"),
    )
    .await;
    assert_eq!(
        (ids(&second["snapshots"]), &second["next_cursor"]),
        (vec!["bus-4"], &Value::Null)
    );
}

#[tokio::test]
async fn a_vehicle_has_the_newest_of_each_signal_and_says_whose() {
    let workspace = a_workspace(NORTH)
        .with(a_device("front").fitted_to("coach"))
        .with(a_device("rear").fitted_to("coach"))
        .with(a_device("other"));
    let (service, fleet) = Service::with(workspace).await;
    fleet
        .push([
            an_update("front")
                .observed(start() - minutes(2))
                .with("speed_kmh", 30)
                .with("odometer_km", 100),
            an_update("rear")
                .observed(start() - minutes(1))
                .with("speed_kmh", 31),
        ])
        .await;
    let vehicle = get(&service, "/vehicles/coach/snapshot").await;
    let speed = &vehicle["signals"]["speed_kmh"];
    assert_eq!(
        (&speed["value"], &speed["device_id"], &speed["provider_id"]),
        (&json!(31.0), &json!("rear"), &json!("sim-main"))
    );
    assert_eq!(vehicle["signals"]["odometer_km"]["device_id"], "front");
    assert_eq!(
        (&vehicle["vehicle_id"], &vehicle["source"]),
        (&json!("coach"), &json!("core"))
    );
    assert_eq!(vehicle["last_observed_at"], "2026-11-23T07:59:00Z");
    assert_eq!(ids(&vehicle["devices"]), ["front", "rear"]);
    assert_eq!(vehicle["devices"][0]["version"], 1);
    assert_eq!(
        vehicle["absent"].as_array().map(Vec::len),
        Some(Signal::all().count() - 2)
    );
    let unknown = service
        .get(VIEWER, "/workspaces/depot-north/vehicles/nobodys/snapshot")
        .await;
    unknown.problem(404, "not-found");
}

#[tokio::test]
async fn what_is_not_configured_has_no_snapshot() {
    let (service, fleet) =
        Service::with(a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(1)))).await;
    service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-9")
        .await
        .problem(404, "not-found");
    fleet.deactivate("bus-1").await;
    service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .problem(404, "not-found");
    assert_eq!(get(&service, "/snapshots").await["snapshots"], json!([]));
    service
        .get(SYSTEM_ADMIN, "/workspaces/depot-west/snapshots")
        .await
        .problem(404, "not-found");
}

/// Never, silently, core's values.
#[tokio::test]
async fn while_the_legacy_service_owns_reads_values_come_from_there_or_not_at_all() {
    let flags = Cutover {
        read_owner: ReadOwner::Legacy,
        ..CORE_OWNED
    };
    let workspace = a_workspace(NORTH)
        .flags(flags)
        .with(a_device("bus-1").silent_for(minutes(1)));
    let (service, _) = Service::with(workspace).await;
    for path in [
        "/snapshots",
        "/snapshots/bus-1",
        "/vehicles/bus-1-vehicle/snapshot",
    ] {
        let answer = service
            .get(VIEWER, &format!("/workspaces/depot-north{path}"))
            .await;
        answer.problem(503, "legacy-unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    get(&service, "/health").await;
}
