//! What a cycle and its updates leave in the metrics.

use application::polling::{Worker, WorkerSettings};
use bf_depot_sim::Account;
use chrono::TimeDelta;
use domain::fleet::Cutover;
use domain::polling::CycleStatus;
use persistence::indicators::AgeGroup;
use telemetry::metrics::{Exporter, ThreadExporter};
use testkit::{Fixture, a_device, a_workspace, eventually, hours, minutes, seconds, start};
use tokio_util::sync::CancellationToken;

use crate::provider::Provider;

fn kept() -> ThreadExporter {
    Exporter::on_this_thread().expect("a sound catalogue")
}

fn has_all(metrics: &ThreadExporter, lines: &[&str]) {
    for line in lines {
        assert!(metrics.has(line), "{line} in\n{}", metrics.render());
    }
}

#[tokio::test]
async fn a_slots_cycle_tells_how_late_it_began_how_old_its_devices_were_and_how_it_ended() {
    let metrics = kept();
    let fixture = Fixture::create().await;
    let provider = Provider::serve(&fixture.clock, [Account::fleet("main", 2)]).await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-main", "main"))
        .with(a_device("bus-1").through("sim-main").called("vehicle-001"))
        .with(a_device("bus-2").through("sim-main").called("vehicle-002"))
        .with(a_device("lost").through("sim-main").called("vehicle-009"))
        .create(&fixture)
        .await;
    let record = depot.record().await;
    let slot = record.workspace.schedule().slot_at_or_after(start());
    fixture.clock.advance(slot - fixture.clock.now());
    let triggered = depot.trigger(Some(slot)).await;
    fixture
        .clock
        .advance(triggered.due_at - fixture.clock.now() + seconds(3));

    let settings = WorkerSettings {
        measure_ages: true,
        ..WorkerSettings::default()
    };
    let worker = Worker::new(depot.core.clone(), provider.clients(), settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(worker.run(shutdown.clone()));
    eventually("the cycle ends", async || {
        depot.cycle(triggered.cycle_id).await.ended_at
    })
    .await;
    shutdown.cancel();
    running.await.expect("the worker ends");

    has_all(
        &metrics,
        &[
            r#"telematics_cycles_total{outcome="completed"} 1"#,
            r#"telematics_cycle_start_deviation_seconds_bucket{le="2"} 0"#,
            r#"telematics_cycle_start_deviation_seconds_bucket{le="5"} 1"#,
            // None had reported, so each counts from its activation.
            "telematics_device_age_seconds_count 3",
            r#"telematics_query_duration_seconds_count{query="accept_poll"} 1"#,
        ],
    );
    let accepted: u64 = depot.accepted_events("bus-1").await.len() as u64
        + depot.accepted_events("bus-2").await.len() as u64;
    let line = format!(r#"telematics_updates_total{{outcome="accepted",reason=""}} {accepted}"#);
    has_all(&metrics, &[&line]);
}

#[tokio::test]
async fn ages_are_since_the_last_accepted_update_or_the_activation() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1").silent_for(minutes(3)))
        .with(a_device("bus-2").silent_for(minutes(4)))
        .with(a_device("never").configured(hours(24)))
        .create(&fixture)
        .await;
    let bounds = [60.0, 300.0, 3_600.0];
    let now = fixture.clock.now();
    let ages = depot.core.store.device_ages(&depot.id, &bounds, now).await;
    let of = |age: TimeDelta, devices| AgeGroup {
        age: age.to_std().expect("a past"),
        devices,
    };
    assert_eq!(
        ages.expect("the store"),
        [of(seconds(210), 2), of(hours(24), 1)]
    );
}

#[tokio::test]
async fn a_trigger_that_comes_to_nothing_counts_as_it_ended() {
    let metrics = kept();
    let fixture = Fixture::create().await;
    let legacy = Cutover::default();
    let depot = a_workspace("north").flags(legacy).create(&fixture).await;
    assert_eq!(depot.trigger(None).await.status, CycleStatus::Skipped);
    has_all(
        &metrics,
        &[r#"telematics_cycles_total{outcome="skipped"} 1"#],
    );
}
