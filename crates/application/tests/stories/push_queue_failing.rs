//! Pushes that come at once, some of which hang up, panic or fail.

use std::panic::AssertUnwindSafe;

use application::commands::{AcceptError, PushQueue};
use chrono::TimeDelta;
use domain::ids::WorkspaceId;
use futures::FutureExt;
use persistence::Fence;
use testkit::{Fixture, Fleet, an_update, words_of};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::push_queue::{Depot, PATIENCE, Pushing, a_push, accept, answers, speed, transactions};

/// What becomes of another push, once the others have been answered or given up.
async fn another(queue: &PushQueue, fleet: &Fleet) -> Vec<&'static str> {
    let pushing = accept(queue, &fleet.core, &fleet.id, a_push([speed(5)], None));
    let judged = timeout(PATIENCE, pushing).await.expect("an answer in time");
    words_of(&judged.expect("an answer"))
}

#[tokio::test]
async fn a_caller_that_hangs_up_holds_nobody_up() {
    // Whoever goes: the first, which is under way, or one that waits.
    for gone in ["first", "waiting"] {
        let fixture = Fixture::create().await;
        let depot = Depot::held_up(&fixture).await;
        let mut first = Some(depot.begin([speed(1)]).await);
        let next = depot.begin([speed(2)]).await;
        let mut waiting = Some(depot.begin([speed(3)]).await);
        let last = depot.begin([speed(4)]).await;
        match gone {
            "first" => first = None,
            _ => waiting = None,
        }
        let queue = depot.queue.clone();
        let fleet = depot.let_go().await;
        if let Some(first) = first {
            first.await.expect("an answer");
        }
        let rest: Vec<Pushing> = [next].into_iter().chain(waiting).chain([last]).collect();
        for judged in answers(rest).await {
            assert_eq!(
                words_of(&judged.expect("an answer")),
                ["accepted"],
                "{gone} went"
            );
        }
        assert_eq!(another(&queue, &fleet).await, ["accepted"]);
        let events = fleet.accepted_events("bus-1").await;
        assert_eq!(events.len(), 4, "of all but the {gone} one, and another");
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_while_its_turn_is_under_way_holds_nobody_up() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let first = depot.begin([speed(1)]).await;
    let next = depot.begin([speed(2)]).await;
    let others = [depot.begin([speed(3)]).await, depot.begin([speed(4)]).await];
    drop(first);
    yield_now().await;
    drop(next);
    let fleet = depot.let_go().await;
    for judged in answers(others).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert_eq!(transactions(&fleet).await, 1, "of all three");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_left_out() {
    // Whether they go before their turn, or while it is under way.
    for under_way in [false, true] {
        let fixture = Fixture::create().await;
        let depot = Depot::held_up(&fixture).await;
        let first = depot.begin([speed(1)]).await;
        let waiting = [depot.begin([speed(2)]).await, depot.begin([speed(3)]).await];
        if under_way {
            drop(first);
            yield_now().await;
            drop(waiting);
        } else {
            drop(waiting);
            drop(first);
        }
        let queue = depot.queue.clone();
        let fleet = depot.let_go().await;
        assert_eq!(another(&queue, &fleet).await, ["accepted"]);
        let events = fleet.accepted_events("bus-1").await;
        assert_eq!(events.len(), 1, "under way: {under_way}");
    }
}

#[tokio::test]
async fn a_panic_is_for_the_one_that_causes_it() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let mut broken = depot.fleet.core.clone();
    // No time is so much later than another.
    broken.rules.future_tolerance = TimeDelta::MAX;
    let push = a_push([speed(1)], None);
    let first = depot.begin_by(&broken, &depot.fleet.id, push).await;
    let of_bus_2 = an_update("bus-2").with("speed_kmh", 1);
    let waiting = [depot.begin([speed(2)]).await, depot.begin([of_bus_2]).await];
    let queue = depot.queue.clone();
    let fleet = depot.let_go().await;
    let first = AssertUnwindSafe(first).catch_unwind().await;
    assert!(first.is_err(), "it panics");
    // So does their turn, as it is decided by the first one's rules.
    for judged in answers(waiting).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert_eq!(another(&queue, &fleet).await, ["accepted"]);
}

#[tokio::test]
async fn what_fails_together_is_tried_alone() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON snapshots FOR EACH ROW WHEN (NEW.device_id = 'bus-2')
         EXECUTE FUNCTION refuse()",
    )
    .execute(depot.fleet.core.store.pool())
    .await
    .expect("a trigger");
    let pushing = [
        depot.begin([speed(1)]).await,
        depot.begin([speed(2)]).await,
        depot.begin([an_update("bus-2").with("speed_kmh", 1)]).await,
        depot.begin([speed(3)]).await,
    ];
    let fleet = depot.let_go().await;
    let answers = answers(pushing).await;
    let failed: Vec<_> = answers.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, false, true, false]);
    let recorded = fleet.accepted_events("bus-1").await.len();
    assert!(
        recorded >= 2,
        "the first, and at least the newest of those behind it"
    );
    assert_eq!(fleet.accepted_events("bus-2").await.len(), 0);
}

#[tokio::test]
async fn a_workspace_that_is_none_is_told_to_each() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let nowhere = WorkspaceId::try_new("nowhere").expect("an id");
    let store = &depot.fleet.core.store;
    let held_up = store.begin(&nowhere, Fence::Exclusive).await;
    let mut pushing = Vec::new();
    for second in 0..5 {
        pushing.push(depot.begin_for(&nowhere, [speed(second)], None).await);
    }
    drop(held_up.expect("the store"));
    for judged in answers(pushing).await {
        assert!(
            matches!(judged, Err(AcceptError::UnknownWorkspace)),
            "{judged:?}"
        );
    }
}
