//! A device's snapshot, as a reader gets it.

use application::queries::{
    DeviceSnapshot, PageRequest, QueryError, SignalFilter, get_snapshot, list_snapshots,
};
use domain::health::SignalFreshness::{Delayed, Fresh, Stale};
use domain::ids::DeviceId;
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, minutes, start};

async fn snapshot(depot: &Fleet, device: &str) -> Result<DeviceSnapshot, QueryError> {
    let device = DeviceId::try_new(device).expect("an id");
    let (filter, now) = (SignalFilter::default(), depot.core.clock.now());
    get_snapshot(&depot.core, &depot.id, &device, filter, now).await
}

#[tokio::test]
async fn a_fresh_signal_does_not_vouch_for_an_old_one() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot
        .push([
            an_update("bus-1")
                .observed(start() - minutes(20))
                .with("state_of_charge_percent", 50)
                .with("range_km", 255_000),
            an_update("bus-1")
                .observed(start() - minutes(7))
                .with("odometer_km", 12),
            an_update("bus-1")
                .observed(start() - minutes(1))
                .with("speed_kmh", 30),
        ])
        .await;
    let snapshot = snapshot(&depot, "bus-1").await.expect("a device");
    let seen: Vec<_> = snapshot
        .signals
        .iter()
        .map(|held| (held.signal.name(), held.age, held.freshness))
        .collect();
    assert_eq!(
        seen,
        [
            ("state_of_charge_percent", minutes(20), Stale),
            ("odometer_km", minutes(7), Delayed),
            ("speed_kmh", minutes(1), Fresh),
        ]
    );
    let why = |name: &str| {
        snapshot
            .absent
            .iter()
            .find(|absent| absent.signal.name() == name)
            .map(|absent| absent.reason)
    };
    assert_eq!(
        (why("range_km"), why("plugged_in"), why("speed_kmh")),
        (Some("out_of_range"), Some("never_reported"), None)
    );
    assert_eq!(
        snapshot.signals.len() + snapshot.absent.len(),
        domain::signals::CATALOGUE.len()
    );
}

#[tokio::test]
async fn a_device_without_data_has_a_snapshot_that_says_so_and_a_deactivated_one_has_none() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([a_device("bus-1"), a_device("gone").silent_for(minutes(1))])
        .create(&fixture)
        .await;
    depot.deactivate("gone").await;
    let empty = snapshot(&depot, "bus-1").await.expect("a device");
    assert_eq!(
        (
            empty.row.held.version,
            empty.row.last_update_received_at,
            empty.signals.len()
        ),
        (0, None, 0)
    );
    for unknown in ["gone", "nobody"] {
        let none = snapshot(&depot, unknown).await;
        assert!(matches!(none, Err(QueryError::NotFound("active device"))));
    }

    let page = PageRequest {
        after: None,
        limit: 10,
    };
    let filter = SignalFilter::default();
    let listed = list_snapshots(&depot.core, &depot.id, filter, &page, start()).await;
    assert_eq!(
        listed
            .expect("the snapshots")
            .items
            .iter()
            .map(|snapshot| snapshot.row.device_id.as_str())
            .collect::<Vec<_>>(),
        ["bus-1"]
    );
}
