//! Snapshots against their history: daily baselines, the proof, and the repair.

use application::Core;
use application::history::{BaselineWatch, Comparison, compare_snapshots, repair_snapshots};
use chrono::{DateTime, Utc};
use testkit::{
    AUTHOR, Fixture, Fleet, a_device, a_workspace, an_update, hours, minutes, seconds, start,
    words_of,
};

pub async fn record_baselines(core: &Core) {
    BaselineWatch::default()
        .look(core)
        .await
        .expect("baselines");
}

pub async fn compared(depot: &Fleet) -> Comparison {
    compare_snapshots(&depot.core, &depot.id, depot.core.clock.now())
        .await
        .expect("the store")
}

pub async fn repaired(depot: &Fleet, since: DateTime<Utc>) -> Comparison {
    repair_snapshots(&depot.core, AUTHOR, &depot.id, since)
        .await
        .expect("the store")
}

/// The members that differ, by device.
fn found(comparison: &Comparison) -> Vec<String> {
    let devices = comparison.shown.iter();
    devices
        .flat_map(|device| {
            let members = device.differences.iter().map(|found| &found.member);
            members.map(|member| format!("{} {member}", device.device_id))
        })
        .collect()
}

pub async fn run(depot: &Fleet, sql: &'static str) {
    sqlx::query(sql)
        .execute(depot.core.store.pool())
        .await
        .expect("a statement by hand");
}

/// Two devices with some history, one without any.
pub async fn reporting(fixture: &Fixture) -> Fleet {
    let depot = a_workspace("north")
        .with_all(["bus-1", "bus-2", "bus-3"].map(a_device))
        .create(fixture)
        .await;
    for minute in 0..3 {
        let observed_at = start() + minutes(minute);
        depot
            .push(["bus-1", "bus-2"].map(|bus| {
                an_update(bus)
                    .observed(observed_at)
                    .with("speed_kmh", minute)
                    .with("range_km", 99_999)
            }))
            .await;
        fixture.clock.advance(minutes(1));
    }
    depot
}

#[tokio::test]
async fn a_snapshot_is_proven_with_and_without_a_baseline() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    let before = compared(&depot).await;
    assert_eq!((before.devices, before.not_proven()), (3, 0), "{before:#?}");

    record_baselines(&depot.core).await;
    assert_eq!(depot.events("DeviceBaselineRecorded").await.len(), 3);
    let at_once = compared(&depot).await;
    assert_eq!(at_once.not_proven(), 0, "{at_once:#?}");

    fixture.clock.advance(minutes(1));
    depot
        .push([an_update("bus-1")
            .observed(start() + minutes(4))
            .with("range_km", 7)])
        .await;
    let after = compared(&depot).await;
    assert_eq!(after.not_proven(), 0, "{after:#?}");
}

/// Retention has dropped what was before the baseline.
#[tokio::test]
async fn a_baseline_stands_for_the_events_before_it() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    fixture.clock.advance(hours(24));
    record_baselines(&depot.core).await;
    depot
        .push([an_update("bus-2")
            .observed(start() + hours(24))
            .with("plugged_in", true)])
        .await;
    let dropped = depot
        .core
        .store
        .drop_event_partitions((start() + hours(24)).date_naive())
        .await
        .expect("the store");
    assert!(dropped.contains(&start().date_naive()), "{dropped:?}");
    let compared = compared(&depot).await;
    assert_eq!(compared.not_proven(), 0, "{compared:#?}");
}

/// Its clock is behind that of the instance that recorded the baseline: its update is recorded before the
/// baseline that does not have it.
#[tokio::test]
async fn what_a_baseline_has_is_told_by_version_and_not_by_time() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    record_baselines(&depot.core).await;
    let behind = depot.seen_by(fixture.core_at(start() - minutes(4)));
    assert_eq!(
        words_of(
            &behind
                .push([an_update("bus-1")
                    .observed(start() - minutes(4))
                    .with("odometer_km", 5)])
                .await
        ),
        ["accepted"]
    );
    let compared = compared(&depot).await;
    assert_eq!(compared.not_proven(), 0, "{compared:#?}");
}

#[tokio::test]
async fn a_day_has_one_baseline_whoever_records_it() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    let others = [(); 4].map(|()| fixture.another_instance());
    futures::future::join_all(others.iter().map(record_baselines)).await;
    record_baselines(&depot.core).await;
    assert_eq!(depot.events("DeviceBaselineRecorded").await.len(), 3);
    fixture.clock.advance(hours(24));
    record_baselines(&depot.core).await;
    assert_eq!(depot.events("DeviceBaselineRecorded").await.len(), 6);
}

#[tokio::test]
async fn whatever_differs_is_told_and_put_right() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    record_baselines(&depot.core).await;
    let sound = [
        depot.snapshot("bus-1").await.held,
        depot.snapshot("bus-2").await.held,
    ];
    for (name, sql, members) in [
        (
            "a value",
            r#"UPDATE snapshots SET signals = '{"2026-11-23T08:02:00Z":{"speed_kmh":9}}' WHERE device_id = 'bus-1'"#,
            vec!["bus-1 signals.speed_kmh"],
        ),
        (
            "times",
            "UPDATE snapshots SET last_update_received_at = now(), newest_observed_at = now() WHERE device_id = 'bus-2'",
            vec!["bus-2 last_update_received_at", "bus-2 newest_observed_at"],
        ),
        (
            "what nobody can read, and what was dropped",
            "UPDATE snapshots SET signals = '[]' WHERE device_id = 'bus-1'; ",
            vec![
                "bus-1 version",
                "bus-1 last_update_received_at",
                "bus-1 newest_observed_at",
                "bus-1 signals.speed_kmh",
                "bus-1 dropped.range_km",
            ],
        ),
        (
            "a lost row",
            "DELETE FROM snapshots WHERE device_id = 'bus-2'",
            vec![
                "bus-2 version",
                "bus-2 last_update_received_at",
                "bus-2 newest_observed_at",
                "bus-2 signals.speed_kmh",
                "bus-2 dropped.range_km",
            ],
        ),
        (
            "an invented row",
            "INSERT INTO snapshots SELECT 'north', 'bus-3', activation_id, 0, 0, now(), now(), '{}', '{}' FROM devices WHERE device_id = 'bus-3'",
            vec!["bus-3 last_update_received_at", "bus-3 newest_observed_at"],
        ),
    ] {
        run(&depot, sql).await;
        let compared = compared(&depot).await;
        let sorted = |mut members: Vec<String>| {
            members.sort();
            members
        };
        let members: Vec<String> = members.into_iter().map(str::to_owned).collect();
        assert_eq!(sorted(found(&compared)), sorted(members), "{name}");
        assert_eq!(compared.not_proven(), 1, "{name}");

        fixture.clock.advance(seconds(1));
        let repaired = repaired(&depot, depot.core.clock.now()).await;
        assert_eq!((repaired.differing, repaired.repaired), (1, 1), "{name}");
        assert_eq!(self::compared(&depot).await.not_proven(), 0, "{name}");
    }
    assert_eq!(
        sound,
        [
            depot.snapshot("bus-1").await.held,
            depot.snapshot("bus-2").await.held
        ]
    );
    assert_eq!(depot.events("SnapshotsRepaired").await.len(), 5);
}

/// An instance that remembers a snapshot from before the repair would call the next reading stale.
#[tokio::test]
async fn instances_forget_what_was_repaired() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    run(
        &depot,
        r#"UPDATE snapshots SET signals = '{"2026-11-23T08:20:00Z":{"speed_kmh":9}}', version = version + 1 WHERE device_id = 'bus-1'"#,
    )
    .await;
    // It reads the damaged snapshot, and remembers that.
    let other = depot.seen_by(fixture.another_instance());
    let reading = || {
        [an_update("bus-1")
            .observed(start() + minutes(3))
            .with("speed_kmh", 50)]
    };
    assert_eq!(words_of(&other.push(reading()).await), ["stale"]);
    repaired(&depot, depot.core.clock.now()).await;
    assert_eq!(words_of(&other.push(reading()).await), ["accepted"]);
    assert_eq!(compared(&depot).await.not_proven(), 0);
}
