//! The events of a poll cycle: one for each claim and one for its end, written by the statement that claims or ends it.

use domain::ids::CycleId;
use domain::polling::SkipReason;
use persistence::Fence;
use serde_json::{Value, json};
use testkit::{Fixture, Fleet, a_workspace, minutes, seconds, start};

async fn of_cycle(depot: &Fleet, cycle_id: CycleId) -> Vec<(String, Value)> {
    sqlx::query_as(
        "SELECT type, payload FROM event_store WHERE workspace_id = $1 AND cycle_id = $2 ORDER BY recorded_at, type DESC",
    )
    .bind(depot.id.as_str())
    .bind(cycle_id.0)
    .fetch_all(depot.core.store.pool())
    .await
    .expect("events")
}

fn started(claim: u32, leases_lost: u32) -> (String, Value) {
    let payload = json!({"claim": claim, "leases_lost": leases_lost});
    ("WorkspacePollCycleStarted".to_owned(), payload)
}

fn closed(status: &str, reason: &str) -> (String, Value) {
    let payload = json!({"status": status, "reason": reason});
    ("WorkspacePollCycleClosed".to_owned(), payload)
}

#[tokio::test]
async fn every_claim_writes_an_event_and_the_last_lost_lease_closes_the_cycle() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let mut claims = Vec::new();
    for _ in 0..3 {
        fixture.clock.advance(seconds(40));
        claims.push(fixture.clock.now());
        depot.claim_and_die(cycle_id).await.expect("a claim");
    }
    assert!(depot.claim(cycle_id).await.is_none(), "not a fourth time");
    fixture.clock.advance(seconds(40));
    let now = fixture.clock.now();
    let retired = depot.core.store.retire_cycles(&depot.id, now).await;
    assert_eq!(retired.expect("the store").len(), 1);
    let again = depot.core.store.retire_cycles(&depot.id, now).await;
    assert_eq!(again.expect("the store"), []);

    assert_eq!(depot.cycle(cycle_id).await.claimed_at, claims);
    let events = of_cycle(&depot, cycle_id).await;
    assert_eq!(
        events[1..],
        [
            started(1, 0),
            started(2, 1),
            started(3, 2),
            closed("abandoned", "lease_lost")
        ]
    );
}

#[tokio::test]
async fn superseded_slots_and_skipped_cycles_are_closed_by_an_event() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let schedule = depot.record().await.workspace.schedule();
    let slot = schedule.slot_at_or_after(start());
    let older = depot.trigger(Some(slot)).await.cycle_id;
    fixture.clock.advance(slot + minutes(5) - start());
    let newer = depot.trigger(Some(slot + minutes(5))).await.cycle_id;
    fixture.clock.advance(minutes(5));
    let now = fixture.clock.now();
    let retired = depot.core.store.retire_cycles(&depot.id, now).await;
    assert_eq!(retired.expect("the store")[0].cycle_id, older);
    let events = of_cycle(&depot, older).await;
    assert_eq!(events[1..], [closed("expired", "superseded")]);

    depot.claim(newer).await.expect("a claim");
    let mut uow = depot
        .core
        .store
        .begin(&depot.id, Fence::Exclusive)
        .await
        .expect("the store");
    let reason = SkipReason::NotOwner.as_str();
    let skipped = uow.skip_open_cycles(reason, now).await.expect("the store");
    assert_eq!(skipped[0].cycle_id, newer);
    drop(uow);
    assert_eq!(of_cycle(&depot, newer).await[1..], [started(1, 0)]);
}

#[tokio::test]
async fn a_claim_that_fails_writes_no_event() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    depot.claim(cycle_id).await.expect("a claim");
    assert!(depot.claim(cycle_id).await.is_none());
    assert_eq!(of_cycle(&depot, cycle_id).await[1..], [started(1, 0)]);
}
