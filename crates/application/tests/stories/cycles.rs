//! Cycles under their leases: what ends them, and whose results land.

use application::commands::{AcceptError, roll_back};
use application::polling::run_cycle;
use bf_depot_sim::Account;
use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Source};
use domain::fleet::PollOwner;
use domain::polling::CycleStatus;
use persistence::polling::ClaimedCycle;
use testkit::{
    AUTHOR, Fixture, Fleet, a_device, a_report, a_workspace, an_update, eventually, minutes, start,
    words_of,
};

use crate::provider::Provider;

fn source(cycle: &ClaimedCycle) -> Source {
    Source::Cycle {
        cycle_id: cycle.cycle_id,
        lease: cycle.lease,
    }
}

async fn next_slot(depot: &Fleet) -> DateTime<Utc> {
    let schedule = depot.record().await.workspace.schedule();
    schedule.slot_at_or_after(start())
}

fn a_reading() -> [Item; 1] {
    [an_update("bus-1").with("speed_kmh", 30).into()]
}

/// A workspace with the device `bus-1` and a cycle that is held.
async fn a_running_cycle() -> (Fixture, Fleet, ClaimedCycle) {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("a claim");
    (fixture, depot, cycle)
}

async fn assert_accepted(depot: &Fleet, cycle: &ClaimedCycle) {
    let judged = depot.accept(&a_reading(), source(cycle)).await;
    assert_eq!(words_of(&judged.expect("the lease is held")), ["accepted"]);
}

async fn assert_refused(depot: &Fleet, cycle: &ClaimedCycle) {
    let refused = depot.accept(&a_reading(), source(cycle)).await;
    assert!(
        matches!(refused, Err(AcceptError::LeaseLost)),
        "{refused:?}"
    );
    assert_eq!(depot.snapshot("bus-1").await.held.version, 0);
    assert!(depot.accepted_events("bus-1").await.is_empty());
}

#[tokio::test]
async fn results_land_under_the_lease_that_fetched_them_and_name_their_cycle() {
    let (_fixture, depot, cycle) = a_running_cycle().await;
    assert_accepted(&depot, &cycle).await;
    assert_eq!(
        depot.accepted_events("bus-1").await[0].cycle_id,
        Some(cycle.cycle_id.0)
    );
}

#[tokio::test]
async fn the_results_of_a_lost_lease_are_refused_and_those_of_its_taker_accepted() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let old = depot.claim_and_die(cycle_id).await.expect("a claim");
    let new = eventually("the take-over", async || depot.claim(cycle_id).await).await;
    assert_refused(&depot, &old).await;
    assert_accepted(&depot, &new).await;
}

#[tokio::test]
async fn an_ended_cycle_brings_nothing_more() {
    let (_fixture, depot, cycle) = a_running_cycle().await;
    depot.finish(&cycle).await;
    assert_refused(&depot, &cycle).await;
}

#[tokio::test]
async fn a_rollback_ends_what_runs_and_what_waits_and_refuses_late_results() {
    let (_fixture, depot, running) = a_running_cycle().await;
    let waiting = depot.trigger(None).await.cycle_id;
    let record = roll_back(&depot.core, AUTHOR, &depot.id, Some("values differ"))
        .await
        .expect("a rollback");
    assert_eq!(record.workspace.cutover.poll_owner, PollOwner::Legacy);

    for cycle_id in [running.cycle_id, waiting] {
        let cycle = depot.cycle(cycle_id).await;
        assert_eq!(
            (
                cycle.status.as_str(),
                cycle.reason.as_deref(),
                cycle.ended_at
            ),
            ("skipped", Some("not_owner"), Some(start()))
        );
    }
    assert_refused(&depot, &running).await;
    assert!(depot.claimable().await.is_empty());
    assert!(depot.claim(waiting).await.is_none());
    assert_eq!(depot.trigger(None).await.reason, Some("not_owner"));
    assert_eq!(
        words_of(&depot.push(a_reading()).await),
        ["accepted"],
        "pushes are not polls"
    );
}

#[tokio::test]
async fn a_deactivated_workspace_has_its_cycles_ended() {
    let (_fixture, depot, running) = a_running_cycle().await;
    depot.set_active(false).await;
    let cycle = depot.cycle(running.cycle_id).await;
    assert_eq!(
        (cycle.status.as_str(), cycle.reason.as_deref()),
        ("skipped", Some("inactive"))
    );
    depot.set_active(true).await;
    assert_refused(&depot, &running).await;
}

#[tokio::test]
async fn the_older_of_two_due_slots_expires() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let retire = async || {
        fixture
            .store()
            .retire_cycles(&depot.id, fixture.clock.now())
            .await
            .expect("the store")
            .len()
    };
    let slot = next_slot(&depot).await;
    let older = depot.trigger(Some(slot)).await;
    fixture.clock.advance(slot + minutes(5) - start());
    let newer = depot.trigger(Some(slot + minutes(5))).await;
    let manual = depot.trigger(None).await;

    assert_eq!(retire().await, 0, "the newer one is not due yet");
    assert_eq!(depot.claimable().await, [older.cycle_id, manual.cycle_id]);
    fixture.clock.advance(newer.due_at - fixture.clock.now());
    assert_eq!(retire().await, 1);
    let expired = depot.cycle(older.cycle_id).await;
    assert_eq!(
        (expired.status.as_str(), expired.reason.as_deref()),
        ("expired", Some("superseded"))
    );
    assert_eq!(
        depot.claimable().await,
        [manual.cycle_id, newer.cycle_id],
        "a manual cycle takes no slot's place"
    );
    assert_eq!(retire().await, 0);
}

#[tokio::test]
async fn a_slot_that_was_refused_supersedes_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let slot = next_slot(&depot).await;
    let queued = depot.trigger(Some(slot)).await;
    fixture.clock.advance(slot + minutes(3) - start());
    let outside = depot.trigger(Some(slot + minutes(1))).await;
    assert_eq!(outside.status, CycleStatus::Skipped);
    assert_eq!(
        fixture
            .store()
            .retire_cycles(&depot.id, fixture.clock.now())
            .await
            .expect("the store"),
        []
    );
    assert_eq!(depot.claimable().await, [queued.cycle_id]);
}

#[tokio::test]
async fn another_holder_asks_only_the_connections_without_a_record() {
    let fixture = Fixture::create().await;
    let provider = Provider::serve(
        &fixture.clock,
        [Account::fleet("asked", 1), Account::fleet("unasked", 1)],
    )
    .await;
    let depot = a_workspace("north")
        .through(provider.connection("sim-asked", "asked"))
        .through(provider.connection("sim-unasked", "unasked"))
        .with(
            a_device("bus-1")
                .through("sim-unasked")
                .called("vehicle-001"),
        )
        .create(&fixture)
        .await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let old = depot.claim(cycle_id).await.expect("a claim");
    depot.record_reports(&old, [a_report("sim-asked")]).await;
    fixture
        .store()
        .release_cycle(&old)
        .await
        .expect("the store");

    let new = depot.claim(cycle_id).await.expect("another's claim");
    let status = run_cycle(&depot.core, &provider.clients(), &new)
        .await
        .expect("a run");
    assert_eq!(status, CycleStatus::Completed);
    assert_eq!(provider.requests("asked"), 0);
    assert_eq!(provider.requests("unasked"), 1);
    let cycle = depot.cycle(cycle_id).await;
    assert_eq!((cycle.status.as_str(), cycle.polls.len()), ("completed", 2));
    assert!(depot.snapshot("bus-1").await.held.version > 0);
}
