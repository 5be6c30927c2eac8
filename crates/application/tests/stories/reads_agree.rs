//! All reads tell the same of a device, and none takes back what one before it has told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use application::queries::{
    DeviceSnapshot, HealthAt, PageRequest, SignalFilter, evaluate_workspace, get_snapshot,
    get_vehicle_snapshot, list_snapshots,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::acceptance::Held;
use domain::ids::{DeviceId, VehicleId};
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, seconds, start};

const DEVICES: [&str; 4] = ["bus-1", "bus-2", "bus-3", "bus-4"];
const VEHICLE: &str = "tram";

/// What a read tells of a device.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    last_update_received_at: Option<DateTime<Utc>>,
    newest_observed_at: Option<DateTime<Utc>>,
    /// Nothing in a read that does not show values.
    held: Option<Held>,
}

impl Seen {
    fn of(snapshot: &DeviceSnapshot) -> (String, Self) {
        let row = &snapshot.row;
        let seen = Self {
            last_update_received_at: row.last_update_received_at,
            newest_observed_at: row.newest_observed_at,
            held: Some(row.held.clone()),
        };
        (row.device_id.to_string(), seen)
    }
}

type Read = BTreeMap<String, Seen>;

async fn by_health(depot: &Fleet) -> Read {
    let at = HealthAt::Present(depot.core.clock.now());
    let report = evaluate_workspace(&depot.core, &depot.id, at).await;
    let devices = report.expect("the health of the workspace").devices;
    let devices = devices.into_iter();
    devices
        .map(|device| {
            let seen = Seen {
                last_update_received_at: device.row.facts.last_update_received_at,
                newest_observed_at: device.row.facts.newest_observed_at,
                held: None,
            };
            (device.row.device_id.to_string(), seen)
        })
        .collect()
}

async fn by_list(depot: &Fleet) -> Read {
    let now = depot.core.clock.now();
    let page = PageRequest {
        after: None,
        limit: 100,
    };
    let filter = SignalFilter::default();
    let snapshots = list_snapshots(&depot.core, &depot.id, filter, &page, now).await;
    let snapshots = snapshots.expect("the snapshots").items;
    snapshots.iter().map(Seen::of).collect()
}

async fn one_by_one(depot: &Fleet) -> Read {
    let now = depot.core.clock.now();
    let mut read = Read::new();
    for device in DEVICES {
        let id = DeviceId::try_new(device).expect("an id");
        let filter = SignalFilter::default();
        let snapshot = get_snapshot(&depot.core, &depot.id, &id, filter, now).await;
        read.extend([Seen::of(&snapshot.expect("a device"))]);
    }
    read
}

async fn by_vehicle(depot: &Fleet) -> Read {
    let now = depot.core.clock.now();
    let id = VehicleId::try_new(VEHICLE).expect("an id");
    let vehicle = get_vehicle_snapshot(&depot.core, &depot.id, &id, now).await;
    let vehicle = vehicle.expect("a vehicle");
    for merged in &vehicle.signals {
        let newest = vehicle.devices.iter().filter_map(|device| {
            let held = &device.row.held.readings;
            Some(held.get(merged.signal.signal)?.observed_at)
        });
        assert_eq!(Some(merged.signal.reading.observed_at), newest.max());
    }
    vehicle.devices.iter().map(Seen::of).collect()
}

/// One read after the other; `true` once values have moved between two of them.
async fn watch(depot: Fleet, stop: Arc<AtomicBool>) -> bool {
    let mut last = by_list(&depot).await;
    let first = last.clone();
    while !stop.load(Ordering::Relaxed) {
        for read in [
            by_health(&depot).await,
            by_list(&depot).await,
            one_by_one(&depot).await,
            by_vehicle(&depot).await,
        ] {
            assert_eq!(read.len(), DEVICES.len());
            for (device, seen) in read {
                let before = last
                    .get_mut(&device)
                    .expect("a device that was there before");
                assert!(
                    seen.last_update_received_at >= before.last_update_received_at
                        && seen.newest_observed_at >= before.newest_observed_at,
                    "{device}: {before:?}, then {seen:?}"
                );
                if let (Some(held), Some(was)) = (&seen.held, &before.held) {
                    assert!(held.version >= was.version, "{device}");
                    for (signal, reading) in was.readings.iter() {
                        let now = held.readings.get(signal).expect("a signal stays held");
                        assert!(now.total_cmp(reading).is_ge(), "{device} {}", signal.name());
                    }
                }
                *before = Seen {
                    held: seen.held.or(before.held.take()),
                    ..seen
                };
            }
        }
    }
    first != last
}

/// Brings what is new, what is old and what is late, each batch a millisecond after the one before.
async fn write(depot: Fleet, writer: i64) {
    for batch in 0..60 {
        depot.core.clock.advance(TimeDelta::milliseconds(1));
        let updates = DEVICES.iter().zip(0..).map(|(device, place)| {
            let second = (batch * 7 + writer + place * 3) % 50;
            an_update(device)
                .observed(start() + seconds(second))
                .with("speed_kmh", (batch + writer) % 90)
                .with("odometer_km", batch)
        });
        depot.push(updates).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_tells_the_same_and_none_goes_back() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all(DEVICES.map(|device| a_device(device).fitted_to(VEHICLE)))
        .create(&fixture)
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers = [(); 2].map(|()| {
        let depot = depot.seen_by(fixture.another_instance());
        tokio::spawn(watch(depot, Arc::clone(&stop)))
    });
    let writers: Vec<_> = (0..4)
        .map(|writer| tokio::spawn(write(depot.seen_by(fixture.another_instance()), writer)))
        .collect();
    for writer in writers {
        writer.await.expect("no batch fails");
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.expect("no read goes back"), "it saw writes");
    }

    let list = by_list(&depot).await;
    assert_eq!(one_by_one(&depot).await, list);
    assert_eq!(by_vehicle(&depot).await, list);
    let without_values = list.into_iter().map(|(device, seen)| {
        let seen = Seen { held: None, ..seen };
        (device, seen)
    });
    assert_eq!(by_health(&depot).await, without_values.collect());
}
