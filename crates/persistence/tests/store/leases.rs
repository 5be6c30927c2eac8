//! Leases of poll cycles.

use std::time::Duration;

use domain::ids::CycleId;
use domain::polling::CycleStatus;
use futures::future::join_all;
use persistence::Fence;
use persistence::polling::{ClaimedCycle, ClosedCycle};
use testkit::{Fixture, Fleet, a_workspace, eventually};

const LEASE: Duration = Duration::from_mins(1);

async fn holds(depot: &Fleet, cycle: &ClaimedCycle) -> bool {
    let mut uow = depot
        .core
        .store
        .begin(&depot.id, Fence::Shared)
        .await
        .expect("the store");
    uow.holds_lease(cycle.cycle_id, cycle.lease)
        .await
        .expect("the store")
}

async fn end(depot: &Fleet, cycle: &ClaimedCycle) -> bool {
    let now = depot.core.clock.now();
    let mut uow = depot
        .core
        .store
        .begin(&depot.id, Fence::Shared)
        .await
        .expect("the store");
    let ended = uow
        .end_cycle(
            cycle.cycle_id,
            cycle.lease,
            CycleStatus::Completed,
            None,
            now,
        )
        .await
        .expect("the store");
    uow.commit().await.expect("a commit");
    ended
}

async fn leases_lost(depot: &Fleet, cycle_id: CycleId) -> i32 {
    sqlx::query_scalar(
        "SELECT leases_lost FROM poll_cycles WHERE workspace_id = $1 AND cycle_id = $2",
    )
    .bind(depot.id.as_str())
    .bind(cycle_id.0)
    .fetch_one(depot.core.store.pool())
    .await
    .expect("the cycle")
}

#[tokio::test]
async fn one_of_many_instances_that_claim_a_cycle_gets_it() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let claims: Vec<_> = (0..8)
        .map(|_| {
            let racer = depot.clone();
            tokio::spawn(async move { racer.claim(cycle_id).await })
        })
        .collect();
    let claimed: Vec<ClaimedCycle> = join_all(claims)
        .await
        .into_iter()
        .filter_map(|claim| claim.expect("no panic"))
        .collect();
    assert_eq!(claimed.len(), 1);
    assert!(holds(&depot, &claimed[0]).await);
    assert_eq!(depot.cycle(cycle_id).await.status, "running");
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_and_its_old_holder_can_do_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let old = depot
        .claim_and_die(cycle_id)
        .await
        .expect("the first claim");
    eventually("its lease is over", async || {
        depot.claimable().await == [cycle_id]
    })
    .await;

    let new = depot.claim(cycle_id).await.expect("the take-over");
    assert_eq!(
        new.started_at, old.started_at,
        "it is one cycle, whoever holds it"
    );
    assert_eq!(leases_lost(&depot, cycle_id).await, 1);
    assert!(depot.claimable().await.is_empty());
    assert!(!holds(&depot, &old).await);
    assert!(
        !depot
            .core
            .store
            .renew_lease(&old, LEASE)
            .await
            .expect("the store")
    );
    assert!(!end(&depot, &old).await);
    depot
        .core
        .store
        .release_cycle(&old)
        .await
        .expect("the store");
    assert_eq!(
        depot.cycle(cycle_id).await.status,
        "running",
        "the old holder gave nothing back"
    );
    assert!(
        depot
            .core
            .store
            .renew_lease(&new, LEASE)
            .await
            .expect("the store")
    );
    assert!(end(&depot, &new).await);
}

#[tokio::test]
async fn an_expired_lease_is_not_renewed_even_if_nobody_has_taken_the_cycle() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim_and_die(cycle_id).await.expect("a claim");
    eventually("its lease is over", async || {
        depot.claimable().await == [cycle_id]
    })
    .await;
    assert!(
        !depot
            .core
            .store
            .renew_lease(&cycle, LEASE)
            .await
            .expect("the store")
    );
    assert!(!holds(&depot, &cycle).await);
    assert!(!end(&depot, &cycle).await);
}

#[tokio::test]
async fn a_cycle_is_not_taken_over_and_not_waited_for_while_its_results_are_written() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let holder = depot
        .claim_for(cycle_id, Duration::from_millis(1_500))
        .await
        .expect("a claim");
    let mut landing = depot
        .core
        .store
        .begin(&depot.id, Fence::Shared)
        .await
        .expect("the store");
    assert!(
        landing
            .holds_lease(cycle_id, holder.lease)
            .await
            .expect("the store")
    );

    eventually("its lease is over", async || {
        depot.claimable().await == [cycle_id]
    })
    .await;
    // Its holder may have been stopped here, with the transaction open.
    assert_eq!(depot.claim(cycle_id).await, None);
    let landed = landing.commit().await;
    landed.expect("the transaction was held all the while, and nobody waited for it");
    assert!(depot.claim(cycle_id).await.is_some());
}

#[tokio::test]
async fn the_third_lost_lease_abandons_the_cycle() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    for lost in 0..3 {
        assert_eq!(leases_lost(&depot, cycle_id).await, (lost - 1).max(0));
        depot.claim_and_die(cycle_id).await.expect("a claim");
        eventually("its lease is over", async || {
            depot.claimable().await == [cycle_id]
        })
        .await;
        if lost < 2 {
            let retired = depot
                .core
                .store
                .retire_cycles(&depot.id, depot.core.clock.now())
                .await
                .expect("the store");
            assert_eq!(retired, [], "lost {lost}");
        }
    }
    assert!(depot.claim(cycle_id).await.is_none(), "not a fourth time");
    let retired = depot
        .core
        .store
        .retire_cycles(&depot.id, depot.core.clock.now())
        .await
        .expect("the store");
    let abandoned = ClosedCycle {
        cycle_id,
        status: CycleStatus::Abandoned,
        reason: Some("lease_lost".to_owned()),
        trace_id: None,
    };
    assert_eq!(retired, [abandoned]);
    let cycle = depot.cycle(cycle_id).await;
    assert_eq!(
        (cycle.status.as_str(), cycle.reason.as_deref()),
        ("abandoned", Some("lease_lost"))
    );
    assert!(depot.claimable().await.is_empty());
    let next = depot.trigger(None).await.cycle_id;
    assert!(depot.claim(next).await.is_some(), "the workspace goes on");
}

#[tokio::test]
async fn a_cycle_that_was_given_back_can_be_claimed_at_once() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let cycle_id = depot.trigger(None).await.cycle_id;
    let cycle = depot.claim(cycle_id).await.expect("a claim");
    assert!(depot.claimable().await.is_empty());
    depot
        .core
        .store
        .release_cycle(&cycle)
        .await
        .expect("the store");
    assert_eq!(depot.claimable().await, [cycle_id]);
    assert!(!holds(&depot, &cycle).await);
    let another = depot.claim(cycle_id).await.expect("another's claim");
    assert_eq!(another.started_at, cycle.started_at);
    assert_eq!(
        leases_lost(&depot, cycle_id).await,
        0,
        "nobody has lost anything"
    );
}

#[tokio::test]
async fn one_cycle_of_a_workspace_runs_at_a_time() {
    let fixture = Fixture::create().await;
    let (north, south) = (
        a_workspace("north").create(&fixture).await,
        a_workspace("south").create(&fixture).await,
    );
    let first = north.trigger(None).await.cycle_id;
    let running = north.claim(first).await.expect("a claim");
    let second = north.trigger(None).await.cycle_id;
    assert_ne!(first, second, "the one that runs no longer waits");
    let elsewhere = south.trigger(None).await.cycle_id;

    assert!(north.claimable().await.is_empty());
    assert!(north.claim(second).await.is_none());
    assert_eq!(south.claimable().await, [elsewhere]);
    assert!(south.claim(elsewhere).await.is_some());
    assert!(end(&north, &running).await);
    assert_eq!(north.claimable().await, [second]);
    assert!(north.claim(second).await.is_some());
}
