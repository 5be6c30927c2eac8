//! A cycle's records: each claim and each end is an event, in the statement that makes it.

use domain::ids::{CycleId, WorkspaceId};
use domain::polling::SkipReason;
use persistence::{Fence, Store};
use serde_json::{Value, json};
use testkit::{Fixture, Fleet, TestDatabase, a_workspace, minutes, seconds, start};

/// The version before claims were kept.
const BEFORE: i64 = 20_261_124_231_500;

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
async fn every_claim_is_kept_with_its_event_and_the_last_lost_lease_closes() {
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
async fn a_slot_that_is_superseded_and_cycles_that_are_skipped_are_closed() {
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
async fn who_does_not_win_a_claim_leaves_no_event() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    depot.claim(cycle_id).await.expect("a claim");
    assert!(depot.claim(cycle_id).await.is_none());
    assert_eq!(of_cycle(&depot, cycle_id).await[1..], [started(1, 0)]);
}

async fn claimed_at(store: &Store) -> Vec<usize> {
    let id = WorkspaceId::try_new("north").expect("an id");
    let cycles = store.poll_cycles(&id, None, None, 10).await;
    let claims = cycles.expect("the store").into_iter();
    claims.map(|cycle| cycle.claimed_at.len()).collect()
}

#[tokio::test]
async fn cycles_that_were_there_before_have_their_start_for_a_claim() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE, store.pool())
        .await
        .expect("migrations as they were");
    sqlx::query(
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version, cutover_changed_at,
             cutover_changed_by, poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
             policy_version, policy_changed_at)
         VALUES ('north', 'North', true, $1, 1, 1, 'core', 'core', 'core', 'mixed', 1, $1, 'anna', 5, 15, 60, 1, $1)",
    )
    .bind(start())
    .execute(store.pool())
    .await
    .expect("a workspace");
    for (n, started_at) in [(1, None), (2, Some(start()))] {
        sqlx::query(
            "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at, started_at)
             VALUES ('north', $1::uuid, 'manual', 'completed', $2, $2, $3)",
        )
        .bind(format!("019a0000-0000-7000-8000-00000000000{n}"))
        .bind(start())
        .bind(started_at)
        .execute(store.pool())
        .await
        .expect("a cycle");
    }
    store.migrate().await.expect("the rest");
    assert_eq!(claimed_at(store).await, [1, 0]);
}
