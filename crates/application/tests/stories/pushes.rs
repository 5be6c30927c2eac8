//! Small pushes of one workspace that come at once: together where they can be, each with its own answer.

use std::pin::Pin;
use std::sync::Arc;

use application::commands::{AcceptError, Push, Pushes};
use domain::acceptance::{Item, Judged};
use domain::ids::WorkspaceId;
use futures::future::join_all;
use futures::poll;
use persistence::Fence;
use testkit::{
    Fixture, Fleet, UpdateBuilder, a_device, a_workspace, an_update, seconds, start, words_of,
};

type Pushing = Pin<Box<dyn Future<Output = Result<Vec<Judged>, AcceptError>> + Send>>;

/// A depot whose first pushes are held up, as by a change of its configuration.
struct Depot {
    fleet: Fleet,
    pushes: Pushes,
    change: persistence::UnitOfWork,
}

impl Depot {
    async fn held_up(fixture: &Fixture) -> Self {
        let fleet = a_workspace("north")
            .with_all([a_device("bus-1"), a_device("bus-2")])
            .create(fixture)
            .await;
        let store = &fleet.core.store;
        let change = store.begin(&fleet.id, Fence::Exclusive).await;
        Self {
            change: change.expect("the store"),
            pushes: Pushes::default(),
            fleet,
        }
    }

    /// Begins to push, as far as that goes while the depot is held up.
    async fn begin<I: Into<Item>>(&self, items: impl IntoIterator<Item = I>) -> Pushing {
        self.begin_for(&self.fleet.id, items, None).await
    }

    async fn begin_for<I: Into<Item>>(
        &self,
        workspace_id: &WorkspaceId,
        items: impl IntoIterator<Item = I>,
        trace_id: Option<&str>,
    ) -> Pushing {
        let push = Arc::new(Push {
            items: items.into_iter().map(Into::into).collect(),
            prepared_at: self.fleet.core.clock.now(),
            trace_id: trace_id.map(str::to_owned),
        });
        let (pushes, core) = (self.pushes.clone(), self.fleet.core.clone());
        let workspace_id = workspace_id.clone();
        let mut pushing: Pushing =
            Box::pin(async move { pushes.accept(&core, &workspace_id, push).await });
        assert!(poll!(&mut pushing).is_pending(), "the depot is held up");
        pushing
    }

    async fn let_go(self) -> Fleet {
        self.change.commit().await.expect("the store");
        self.fleet
    }
}

fn speed(second: i64) -> UpdateBuilder {
    an_update("bus-1")
        .observed(start() - seconds(60 - second))
        .with("speed_kmh", second)
}

/// In how many transactions the depot's accepted updates were recorded.
async fn transactions(fleet: &Fleet) -> i64 {
    sqlx::query_scalar(
        "SELECT count(DISTINCT xmin::text) FROM event_store WHERE type = 'TelematicsUpdateAccepted'",
    )
    .fetch_one(fleet.core.store.pool())
    .await
    .expect("the events")
}

/// What becomes of a push after all those.
async fn accepted_next(pushes: &Pushes, fleet: &Fleet) -> Vec<&'static str> {
    let push = Push {
        items: vec![speed(5).into()],
        prepared_at: start(),
        trace_id: None,
    };
    let judged = pushes.accept(&fleet.core, &fleet.id, Arc::new(push)).await;
    words_of(&judged.expect("an answer"))
}

#[tokio::test]
async fn what_comes_while_one_is_under_way_is_accepted_in_one_transaction() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let mut pushing = Vec::new();
    for second in 0..10 {
        pushing.push(depot.begin([speed(second)]).await);
    }
    let fleet = depot.let_go().await;
    for judged in join_all(pushing).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert_eq!(transactions(&fleet).await, 2, "the first, and all others");
    let events = fleet.accepted_events("bus-1").await;
    assert_eq!(events.len(), 10);
}

#[tokio::test]
async fn each_gets_the_answer_to_its_own_updates_decided_in_the_order_they_came() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let pushing = [
        depot.begin([speed(1)]).await,
        depot
            .begin([speed(3), an_update("bus-2").with("speed_kmh", 1)])
            .await,
        depot
            .begin([speed(2), an_update("bus-9").with("speed_kmh", 1), speed(4)])
            .await,
        depot.begin([speed(4)]).await,
    ];
    depot.let_go().await;
    let answers: Vec<_> = join_all(pushing).await;
    let words: Vec<_> = answers
        .iter()
        .map(|judged| words_of(judged.as_ref().expect("an answer")))
        .collect();
    assert_eq!(
        words,
        [
            vec!["accepted"],
            vec!["accepted", "accepted"],
            vec!["stale", "unknown_device", "accepted"],
            vec!["duplicate"],
        ]
    );
}

#[tokio::test]
async fn each_event_names_the_trace_of_its_own_request() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let mut pushing = Vec::new();
    for (second, trace_id) in [(1, Some("first")), (2, Some("second")), (3, Some("third"))] {
        let id = depot.fleet.id.clone();
        pushing.push(depot.begin_for(&id, [speed(second)], trace_id).await);
    }
    let fleet = depot.let_go().await;
    join_all(pushing).await;
    let traces: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT trace_id FROM event_store WHERE type = 'TelematicsUpdateAccepted' ORDER BY event_id",
    )
    .fetch_all(fleet.core.store.pool())
    .await
    .expect("the events");
    let traces: Vec<_> = traces.iter().map(Option::as_deref).collect();
    assert_eq!(traces, [Some("first"), Some("second"), Some("third")]);
}

#[tokio::test]
async fn those_that_wait_are_accepted_in_turn_so_many_at_a_time() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let mut pushing = Vec::new();
    for second in 0..70 {
        let update = an_update("bus-1").observed(start() - seconds(70 - second));
        pushing.push(depot.begin([update.with("speed_kmh", second)]).await);
    }
    let fleet = depot.let_go().await;
    for judged in join_all(pushing).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert_eq!(transactions(&fleet).await, 3, "the first, 64, and the rest");
    let events = fleet.accepted_events("bus-1").await;
    assert_eq!(events.len(), 70);
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
        let pushes = depot.pushes.clone();
        let fleet = depot.let_go().await;
        if let Some(first) = first {
            first.await.expect("an answer");
        }
        let rest: Vec<Pushing> = [next].into_iter().chain(waiting).chain([last]).collect();
        for judged in join_all(rest).await {
            assert_eq!(
                words_of(&judged.expect("an answer")),
                ["accepted"],
                "{gone} went"
            );
        }
        assert_eq!(accepted_next(&pushes, &fleet).await, ["accepted"]);
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_left_out() {
    let fixture = Fixture::create().await;
    let depot = Depot::held_up(&fixture).await;
    let first = depot.begin([speed(1)]).await;
    let waiting = [depot.begin([speed(2)]).await, depot.begin([speed(3)]).await];
    drop(waiting);
    let pushes = depot.pushes.clone();
    let fleet = depot.let_go().await;
    first.await.expect("an answer");
    assert_eq!(accepted_next(&pushes, &fleet).await, ["accepted"]);
    let events = fleet.accepted_events("bus-1").await;
    assert_eq!(events.len(), 2, "the first, and the one after all");
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
    for judged in join_all(pushing).await {
        assert!(
            matches!(judged, Err(AcceptError::UnknownWorkspace)),
            "{judged:?}"
        );
    }
}
