//! What the proof of snapshots knows where the history is damaged, incomplete or being written.

use domain::acceptance::Held;
use domain::signals::Signal;
use testkit::{Fixture, an_update, hours, seconds, start};

use crate::history::{compared, record_baselines, repaired, reporting, run};

/// A baseline does not know that what it writes down is damaged.
#[tokio::test]
async fn damage_that_a_baseline_took_over_is_found_from_an_older_one() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    record_baselines(&depot.core).await;
    let sound = depot.snapshot("bus-1").await.held;
    run(
        &depot,
        r#"UPDATE snapshots SET signals = '{"2026-11-23T08:02:00Z":{"speed_kmh":9}}' WHERE device_id = 'bus-1'"#,
    )
    .await;
    let before = depot.core.clock.now();
    fixture.clock.advance(hours(24));
    record_baselines(&depot.core).await;
    assert_eq!(
        compared(&depot).await.differing,
        0,
        "the baseline has it too"
    );

    fixture.clock.advance(seconds(1));
    assert_eq!(repaired(&depot, before).await.repaired, 1);
    assert_eq!(depot.snapshot("bus-1").await.held, sound);
    let compared = compared(&depot).await;
    assert_eq!(
        compared.not_proven(),
        0,
        "a baseline after it: {compared:#?}"
    );
}

#[tokio::test]
async fn a_history_that_is_not_all_there_proves_nothing_and_repairs_nothing() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    run(
        &depot,
        "DELETE FROM event_store WHERE device_id = 'bus-1' AND version = 2",
    )
    .await;
    let held = depot.snapshot("bus-1").await.held;
    let repaired = repaired(&depot, depot.core.clock.now()).await;
    assert_eq!(
        (
            repaired.differing,
            repaired.without_history,
            repaired.repaired
        ),
        (0, 1, 0),
        "{repaired:#?}"
    );
    assert_eq!(depot.snapshot("bus-1").await.held, held);

    // Configured before the days that are kept, and no baseline since.
    let mut core = depot.core.clone();
    core.rules.event_retention = hours(0);
    let all = compared(&depot.seen_by(core)).await;
    assert_eq!(all.without_history, 3, "{all:#?}");
}

/// A repair takes its turn among the batches: none fails, and none lands on what it replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_takes_its_turn_among_writers() {
    let fixture = Fixture::create().await;
    let depot = reporting(&fixture).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let depot = depot.seen_by(fixture.another_instance());
            tokio::spawn(async move {
                for batch in 0..60 {
                    let observed_at = start() + seconds(batch);
                    depot
                        .push(["bus-1", "bus-2"].map(|bus| {
                            an_update(bus)
                                .observed(observed_at)
                                .with("odometer_km", batch)
                                .with("heading_deg", writer)
                        }))
                        .await;
                }
            })
        })
        .collect();
    for _ in 0..6 {
        run(
            &depot,
            "UPDATE snapshots SET signals = '{}', newest_observed_at = 'epoch' WHERE device_id = 'bus-1'",
        )
        .await;
        repaired(&depot, depot.core.clock.now()).await;
        // It leaves a baseline of its own instant behind, and no two of a device.
        fixture.clock.advance(seconds(1));
    }
    for writer in writers {
        writer.await.expect("no batch fails");
    }
    repaired(&depot, depot.core.clock.now()).await;
    assert_eq!(compared(&depot).await.not_proven(), 0);
    let newest = |held: &Held, name: &str| {
        let signal = Signal::named(name).expect("a signal");
        held.readings.get(signal).map(|reading| reading.observed_at)
    };
    let (damaged, spared) = (depot.snapshot("bus-1").await, depot.snapshot("bus-2").await);
    assert_eq!(damaged.held.readings, spared.held.readings);
    assert_eq!(
        newest(&damaged.held, "odometer_km"),
        Some(start() + seconds(59))
    );
}
