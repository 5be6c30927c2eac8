//! Sweeps: one at a time, each with an end.

use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

use application::history::BaselineWatch;
use application::sweeps::{ExternalSystems, Sweeper, request_sweep};
use domain::ids::{ClaimToken, CycleId, SweepId};
use domain::sweeps::{StepOutcome, SweepRecord, SweepStatus};
use scheduling::InProcessSchedules;
use testkit::{
    AUTHOR, Fixture, a_device, a_report, a_workspace, an_envelope, an_update, hours, outcomes_of,
    seconds, start,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

async fn asked_for(fixture: &Fixture) -> SweepId {
    request_sweep(&fixture.core, AUTHOR).await.expect("a sweep")
}

async fn record(fixture: &Fixture, id: SweepId) -> SweepRecord {
    let record = fixture.store().sweep(id).await.expect("the store");
    record.expect("the sweep")
}

fn sweeper(fixture: &Fixture) -> Sweeper {
    let outside = ExternalSystems::new(Some(Arc::new(InProcessSchedules::default())));
    Sweeper::new(fixture.core.clone(), outside)
}

/// An instance takes the sweep and is killed over it.
async fn is_killed_over_it(fixture: &Fixture, number: u128) {
    let now = fixture.clock.now();
    let claim = ClaimToken(Uuid::from_u128(number));
    let claimed = fixture
        .store()
        .claim_sweep(claim, Duration::ZERO, now, now)
        .await;
    assert!(
        claimed.expect("the store").is_some(),
        "the {number}. instance"
    );
}

#[tokio::test]
async fn a_killed_instances_sweep_is_taken_over_and_the_third_time_it_fails() {
    let fixture = Fixture::create().await;
    let id = asked_for(&fixture).await;
    is_killed_over_it(&fixture, 1).await;
    assert_eq!(asked_for(&fixture).await, id, "it is under way");
    let shutdown = CancellationToken::new();
    sweeper(&fixture)
        .take_one(&shutdown)
        .await
        .expect("a sweep");
    assert_eq!(record(&fixture, id).await.status, SweepStatus::Completed);

    let id = asked_for(&fixture).await;
    for number in 1..=3 {
        is_killed_over_it(&fixture, number).await;
    }
    sweeper(&fixture)
        .take_one(&shutdown)
        .await
        .expect("no sweep");
    let failed = record(&fixture, id).await;
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (SweepStatus::Failed, Some("lease_lost"))
    );
    assert!(failed.ended_at.is_some());
}

#[tokio::test]
async fn of_two_instances_one_runs_it_and_who_is_told_of_no_scheduler_waits_for_who_is() {
    let fixture = Fixture::create().await;
    let id = asked_for(&fixture).await;
    let shutdown = CancellationToken::new();
    let without = Sweeper::new(fixture.core.clone(), ExternalSystems::new(None));
    without.take_one(&shutdown).await.expect("nothing yet");
    assert_eq!(record(&fixture, id).await.status, SweepStatus::Queued);
    let (one, other) = (sweeper(&fixture), sweeper(&fixture));
    let (first, second) = tokio::join!(one.take_one(&shutdown), other.take_one(&shutdown));
    first.and(second).expect("one of them");
    let report = record(&fixture, id).await.report.expect("a report");
    assert_eq!(report.schedules.outcome, StepOutcome::Completed);

    let id = asked_for(&fixture).await;
    fixture.clock.advance(seconds(10));
    without.take_one(&shutdown).await.expect("a sweep");
    let report = record(&fixture, id).await.report.expect("a report");
    assert_eq!(report.schedules.outcome, StepOutcome::NotConfigured);
    assert_eq!(report.status(), SweepStatus::Completed);
}

#[tokio::test]
async fn days_past_retention_go_with_their_events_and_the_others_stay() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    let days = async || -> Vec<String> {
        sqlx::query_scalar("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event_store'::regclass ORDER BY 1")
            .fetch_all(fixture.store().pool())
            .await
            .expect("partitions")
    };
    // What an interrupted drop has left: a day that is none of the store's any more.
    sqlx::query("ALTER TABLE event_store DETACH PARTITION event_store_20261121")
        .execute(fixture.store().pool())
        .await
        .expect("a detached day");
    let id = asked_for(&fixture).await;
    let shutdown = CancellationToken::new();
    fixture.clock.advance(hours(24 * 90));
    sweeper(&fixture)
        .take_one(&shutdown)
        .await
        .expect("a sweep");
    let partitions = record(&fixture, id)
        .await
        .report
        .expect("a report")
        .partitions;
    assert_eq!(partitions.outcome, StepOutcome::Completed, "{partitions:?}");
    let dropped: Vec<String> = partitions.dropped.iter().map(ToString::to_string).collect();
    assert_eq!(dropped, ["2026-11-21", "2026-11-22"]);
    assert_eq!(days().await[0], "event_store_20261123");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM event_store WHERE recorded_at = $1")
        .bind(start())
        .fetch_one(fixture.store().pool())
        .await
        .expect("a count");
    assert!(left > 0, "today's events are there, ninety days later");
}

/// More cycles than one statement removes.
const MANY: i32 = 1_500;

#[tokio::test]
async fn cycles_and_sweeps_past_retention_go_and_whatever_is_still_open_stays() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let south = a_workspace("south").create(&fixture).await;
    let old = north.polled([a_report("sim-main")]).await;
    sqlx::query(
        "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at, ended_at)
         SELECT workspace_id, ('0199' || lpad(to_hex(number), 4, '0') || '-0000-7000-8000-000000000000')::uuid,
                trigger, status, due_at, triggered_at, ended_at
         FROM poll_cycles, generate_series(1, $1) AS number WHERE cycle_id = $2",
    )
    .bind(MANY)
    .bind(old.0)
    .execute(fixture.store().pool())
    .await
    .expect("a long history");
    sqlx::query(
        "INSERT INTO poll_cycle_hours (workspace_id, hour, outcome, slots)
         SELECT 'north', $1 - back * interval '1 h', 'completed', 12 FROM generate_series(0, 3) AS back",
    )
    .bind(start())
    .execute(fixture.store().pool())
    .await
    .expect("counts");
    let waiting = north.trigger(None).await.cycle_id;
    let running = south.trigger(None).await.cycle_id;
    south.claim(running).await.expect("a claim");
    let swept = asked_for(&fixture).await;
    let shutdown = CancellationToken::new();
    let sweeper = sweeper(&fixture);
    sweeper.take_one(&shutdown).await.expect("a sweep");
    let records = record(&fixture, swept)
        .await
        .report
        .expect("a report")
        .old_records;
    // Those that were made up have ids from long ago.
    assert_eq!(
        (records.poll_cycles, records.sweeps),
        (u64::from(MANY.unsigned_abs()), 0)
    );

    fixture.clock.advance(hours(24 * 90));
    let partitions = fixture.store().ensure_partitions(fixture.clock.now());
    partitions.await.expect("partitions");
    let young = north.trigger(Some(start() + hours(24 * 90))).await.cycle_id;
    fixture.clock.advance(seconds(1));
    let id = asked_for(&fixture).await;
    sweeper.take_one(&shutdown).await.expect("a sweep");
    let records = record(&fixture, id)
        .await
        .report
        .expect("a report")
        .old_records;
    assert_eq!(records.outcome, StepOutcome::Completed, "{records:?}");
    assert_eq!((records.poll_cycles, records.sweeps), (1, 1));
    let left: Vec<CycleId> = north
        .cycles()
        .await
        .iter()
        .map(|cycle| cycle.cycle_id)
        .collect();
    assert_eq!(left, [young, waiting]);
    assert_eq!(south.cycle(running).await.status, "running");
    assert_eq!(fixture.store().sweep(swept).await.expect("the store"), None);
    let given: i64 = sqlx::query_scalar("SELECT count(*) FROM poll_cycle_connections")
        .fetch_one(fixture.store().pool())
        .await
        .expect("a count");
    assert_eq!(given, 0, "what its connection gave went with it");
    let counted: Vec<DateTime<Utc>> =
        sqlx::query_scalar("SELECT hour FROM poll_cycle_hours ORDER BY hour")
            .fetch_all(fixture.store().pool())
            .await
            .expect("counts");
    assert_eq!(
        counted,
        [start(), start() + hours(24 * 90)],
        "the hours that were over ninety days ago went too"
    );
}

#[tokio::test]
async fn raw_messages_past_their_retention_go_with_their_envelopes() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let other = a_workspace("south").create(&fixture).await;
    let reading = |number| an_envelope(number).reporting("bus-1-unit", "odometer_km", number);
    depot
        .forward([reading(1), an_envelope(2).saying("7")])
        .await;
    other.forward([an_envelope(1).saying("7")]).await;
    let next_day = depot.seen_by(fixture.core_at(start() + hours(24)));
    next_day.forward([reading(3)]).await;
    let shutdown = CancellationToken::new();
    let mut dropped = Vec::new();
    // Fourteen days later all of it is there, a day later what was recorded first is gone.
    for (days, kept) in [(14, 3), (15, 1), (15, 1)] {
        fixture
            .clock
            .advance(start() + hours(24 * days) - fixture.clock.now());
        let now = fixture.clock.now();
        fixture
            .store()
            .ensure_partitions(now)
            .await
            .expect("partitions");
        let id = asked_for(&fixture).await;
        sweeper(&fixture)
            .take_one(&shutdown)
            .await
            .expect("a sweep");
        let partitions = record(&fixture, id)
            .await
            .report
            .expect("a report")
            .partitions;
        assert_eq!(partitions.outcome, StepOutcome::Completed, "{partitions:?}");
        dropped.extend(
            partitions
                .raw_messages_dropped
                .iter()
                .map(ToString::to_string),
        );
        assert_eq!(
            depot.kept_envelopes().await.len(),
            kept,
            "{days} days later"
        );
        let rows: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM provider_envelopes WHERE workspace_id = 'north'",
        )
        .fetch_one(fixture.store().pool())
        .await
        .expect("a count");
        assert_eq!(
            rows,
            i64::try_from(kept).expect("a few"),
            "{days} days later"
        );
    }
    assert_eq!(dropped, ["2026-11-21", "2026-11-22", "2026-11-23"]);
    assert!(other.kept_envelopes().await.is_empty());
    let events = depot.accepted_events("bus-1").await;
    assert_eq!(events.len(), 2, "events have a retention of their own");
    // Nothing is known of it any more.
    let again = depot
        .forward([an_envelope(2).saying("7"), reading(3)])
        .await;
    assert_eq!(
        outcomes_of(&again),
        ["quarantined: unknown_shape", "duplicate"]
    );
}

/// Nobody is led to a baseline whose events are gone.
#[tokio::test]
async fn a_baseline_is_forgotten_with_its_day() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let mut baselines = BaselineWatch::default();
    for _ in 0..2 {
        baselines.look(&fixture.core).await.expect("baselines");
        fixture.clock.advance(hours(24));
    }
    let oldest = async || {
        let store = fixture.store();
        let first_day = start().date_naive();
        store.oldest_baseline(&depot.id, first_day).await
    };
    assert_eq!(oldest().await.expect("the store"), Some(start()));
    fixture.clock.advance(hours(24 * 89));
    let id = asked_for(&fixture).await;
    sweeper(&fixture)
        .take_one(&CancellationToken::new())
        .await
        .expect("a sweep");
    let report = record(&fixture, id).await.report.expect("a report");
    assert_eq!(report.partitions.outcome, StepOutcome::Completed);
    assert_eq!(
        oldest().await.expect("the store"),
        Some(start() + hours(24))
    );
}
