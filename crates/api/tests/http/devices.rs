//! Devices: configured, changed, deactivated.

use domain::fleet::{Cutover, DeviceRegistrySource};
use serde_json::{Value, json};
use testkit::{CORE_OWNED, a_device, a_workspace, minutes};

use crate::service::{ADMIN, NORTH, Service, VIEWER};

const BUS: &str = "/workspaces/depot-north/devices/bus-1401-obu";

fn spec(external_id: &str) -> Value {
    json!({"vehicle_id": "bus-1401", "provider_id": "sim-main", "external_id": external_id})
}

#[tokio::test]
async fn a_device_is_configured_shown_and_listed_alike() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let put = service.put(ADMIN, BUS, &spec("b2C")).await;
    let device = put.of(201);
    assert_eq!(
        device,
        json!({"device_id": "bus-1401-obu", "vehicle_id": "bus-1401", "provider_id": "sim-main", "external_id": "b2C",
               "active": true, "configured_at": "2026-11-23T08:00:00Z", "activated_at": "2026-11-23T08:00:00Z"})
    );
    assert_eq!(put.version(), 1);
    assert_eq!(service.get(VIEWER, BUS).await.of(200), device);
    let listed = service
        .get(VIEWER, "/workspaces/depot-north/devices")
        .await
        .of(200);
    assert_eq!(listed, json!({"devices": [device], "next_cursor": null}));
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_device_is_409() {
    let (service, _) =
        Service::with(a_workspace(NORTH).with(a_device("bus-1").called("b2C"))).await;
    let taken = service
        .put(ADMIN, BUS, &spec("b2C"))
        .await
        .problem(409, "conflict");
    assert!(
        taken["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("bus-1")),
        "{taken}"
    );
    let mut elsewhere = spec("x");
    elsewhere["provider_id"] = json!("nope");
    service
        .put(ADMIN, BUS, &elsewhere)
        .await
        .problem(409, "conflict");
    service.get(VIEWER, BUS).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_registry_of_the_legacy_service_takes_no_writes() {
    let flags = Cutover {
        device_registry_source: DeviceRegistrySource::LegacySync,
        ..CORE_OWNED
    };
    let (service, _) = Service::with(a_workspace(NORTH).flags(flags).with(a_device("bus-1"))).await;
    service
        .put(ADMIN, BUS, &spec("b2C"))
        .await
        .problem(409, "registry-owned-by-legacy");
    let there = "/workspaces/depot-north/devices/bus-1";
    service
        .delete(ADMIN, there)
        .await
        .problem(409, "registry-owned-by-legacy");
    assert_eq!(service.get(VIEWER, there).await.of(200)["active"], true);
}

#[tokio::test]
async fn a_change_starts_an_activation_with_an_empty_snapshot() {
    let (service, _) = Service::with(
        a_workspace(NORTH).with(
            a_device("bus-1401-obu")
                .called("b2C")
                .fitted_to("bus-1401")
                .silent_for(minutes(3)),
        ),
    )
    .await;
    let snapshot = async || {
        service
            .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1401-obu")
            .await
            .of(200)
    };
    assert_eq!(snapshot().await["version"], 1);
    let unchanged = service.put(ADMIN, BUS, &spec("b2C")).await.of(200);
    assert_eq!(unchanged["activated_at"], "2026-11-22T08:00:00Z");
    assert_eq!(snapshot().await["version"], 1);
    for (member, value) in [("vehicle_id", "bus-1402"), ("external_id", "b2D")] {
        service.fixture.clock.advance(minutes(1));
        let mut changed = spec("b2C");
        changed[member] = json!(value);
        let changed = service.put(ADMIN, BUS, &changed).await.of(200);
        assert_eq!(
            changed["activated_at"],
            json!(service.fixture.clock.now()),
            "{member}"
        );
        assert_eq!(changed["configured_at"], "2026-11-22T08:00:00Z");
        assert_eq!(snapshot().await["version"], 0);
    }
}

#[tokio::test]
async fn a_deactivated_device_is_listed_as_such_and_can_come_back() {
    let (service, _) = Service::with(
        a_workspace(NORTH).with_all([a_device("bus-1").silent_for(minutes(1)), a_device("bus-2")]),
    )
    .await;
    let bus = "/workspaces/depot-north/devices/bus-1";
    let deleted = service.delete(ADMIN, bus).await;
    assert_eq!((deleted.status, deleted.text()), (204, String::new()));
    assert_eq!(
        service.delete(ADMIN, bus).await.status,
        204,
        "again is no change"
    );
    assert_eq!(service.get(VIEWER, bus).await.of(200)["active"], false);
    let list = async |query: &str| {
        let list = service
            .get(VIEWER, &format!("/workspaces/depot-north/devices{query}"))
            .await
            .of(200);
        let devices = list["devices"].as_array().expect("devices").clone();
        devices
            .iter()
            .map(|device| device["device_id"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, ["bus-1", "bus-2"]);
    assert_eq!(list("?active=true").await, ["bus-2"]);
    assert_eq!(list("?active=false").await, ["bus-1"]);
    let health = service
        .get(VIEWER, "/workspaces/depot-north/health")
        .await
        .of(200);
    assert_eq!(health["devices"].as_array().map(Vec::len), Some(1));

    // Its form, as it was read, activates it again.
    service.fixture.clock.advance(minutes(1));
    let form = service.get(VIEWER, bus).await.of(200);
    let back = service.put(ADMIN, bus, &form).await.of(200);
    assert_eq!(
        (&back["active"], &back["activated_at"]),
        (&json!(true), &json!("2026-11-23T08:01:00Z"))
    );
    let snapshot = service
        .get(VIEWER, "/workspaces/depot-north/snapshots/bus-1")
        .await
        .of(200);
    assert_eq!(snapshot["version"], 0);
    service
        .delete(ADMIN, "/workspaces/depot-north/devices/bus-9")
        .await
        .problem(404, "not-found");
}

/// An external id is taken by active devices only.
#[tokio::test]
async fn an_external_id_is_free_once_its_device_is_gone() {
    let (service, fleet) =
        Service::with(a_workspace(NORTH).with(a_device("bus-1").called("b2C"))).await;
    service
        .put(ADMIN, BUS, &spec("b2C"))
        .await
        .problem(409, "conflict");
    fleet.deactivate("bus-1").await;
    service.put(ADMIN, BUS, &spec("b2C")).await.of(201);
}
