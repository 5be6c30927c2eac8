//! A vehicle's snapshot: its devices' readings, merged.

use application::queries::{QueryError, VehicleSnapshot, get_vehicle_snapshot};
use domain::ids::VehicleId;
use testkit::{Fixture, Fleet, a_connection, a_device, a_workspace, an_update, seconds, start};

async fn tram(depot: &Fleet) -> Option<VehicleSnapshot> {
    let vehicle = VehicleId::try_new("tram").expect("an id");
    let now = depot.core.clock.now();
    match get_vehicle_snapshot(&depot.core, &depot.id, &vehicle, now).await {
        Ok(snapshot) => Some(snapshot),
        Err(QueryError::NotFound("vehicle with an active device")) => None,
        Err(error) => panic!("{error:?}"),
    }
}

async fn a_tram(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .through(a_connection("sim-a"))
        .through(a_connection("sim-b"))
        .with_all([
            a_device("front").fitted_to("tram").through("sim-a"),
            a_device("rear").fitted_to("tram").through("sim-b"),
            a_device("bus-1").through("sim-a"),
        ])
        .create(fixture)
        .await
}

#[tokio::test]
async fn each_signal_is_the_newest_and_names_its_device() {
    let fixture = Fixture::create().await;
    let depot = a_tram(&fixture).await;
    let (old, new) = (start() - seconds(20), start() - seconds(10));
    depot
        .push([
            an_update("front")
                .observed(new)
                .with("speed_kmh", 20)
                .with("plugged_in", false),
            an_update("front").observed(old).with("range_km", 100),
            an_update("rear")
                .observed(old)
                .with("speed_kmh", 90)
                .with("odometer_km", 7)
                .with("plugged_in", true),
            an_update("rear").observed(new).with("range_km", 99),
            an_update("bus-1")
                .observed(start())
                .with("speed_kmh", 1)
                .with("range_km", 1),
        ])
        .await;
    let merged = tram(&depot).await.expect("a vehicle with devices");
    let seen: Vec<_> = merged
        .signals
        .iter()
        .map(|merged| {
            (
                merged.signal.signal.name(),
                merged.device_id.as_str(),
                merged.provider_id.as_str(),
                merged.signal.reading.observed_at,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("plugged_in", "front", "sim-a", new),
            ("range_km", "rear", "sim-b", new),
            ("odometer_km", "rear", "sim-b", old),
            ("speed_kmh", "front", "sim-a", new),
        ]
    );
    assert_eq!(
        merged
            .devices
            .iter()
            .map(|device| device.row.device_id.as_str())
            .collect::<Vec<_>>(),
        ["front", "rear"]
    );
}

#[tokio::test]
async fn readings_of_one_time_are_ordered_by_value_and_then_by_connection() {
    let fixture = Fixture::create().await;
    let depot = a_tram(&fixture).await;
    depot
        .push([
            an_update("front")
                .with("speed_kmh", 30)
                .with("range_km", 100),
            an_update("rear")
                .with("speed_kmh", 20)
                .with("range_km", 100),
        ])
        .await;
    let merged = tram(&depot).await.expect("a vehicle with devices");
    let sources: Vec<_> = merged
        .signals
        .iter()
        .map(|merged| (merged.signal.signal.name(), merged.device_id.as_str()))
        .collect();
    assert_eq!(sources, [("range_km", "rear"), ("speed_kmh", "front")]);
}

#[tokio::test]
async fn a_signal_that_came_unusable_says_more_than_one_that_never_came() {
    let fixture = Fixture::create().await;
    let depot = a_tram(&fixture).await;
    depot
        .push([an_update("rear").with("speed_kmh", 900).with("range_km", 1)])
        .await;
    let merged = tram(&depot).await.expect("a vehicle with devices");
    let why = |name: &str| {
        merged
            .absent
            .iter()
            .find(|absent| absent.signal.name() == name)
            .map(|absent| absent.reason)
    };
    assert_eq!(
        (why("speed_kmh"), why("odometer_km"), why("range_km")),
        (Some("out_of_range"), Some("never_reported"), None)
    );
}

#[tokio::test]
async fn a_vehicle_without_active_devices_is_not_there() {
    let fixture = Fixture::create().await;
    let depot = a_tram(&fixture).await;
    depot.push([an_update("front").with("speed_kmh", 30)]).await;
    depot.deactivate("front").await;
    let merged = tram(&depot).await.expect("one device is left");
    assert!(
        merged.signals.is_empty(),
        "what a deactivated device held is history"
    );
    depot.deactivate("rear").await;
    assert!(tram(&depot).await.is_none());
}
