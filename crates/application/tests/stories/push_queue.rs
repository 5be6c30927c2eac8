//! Small pushes of one workspace that come at once: together where they can be, each with its own answer.

use std::pin::Pin;
use std::time::Duration;

use application::Core;
use application::commands::{AcceptError, JudgedUpdate, Push, PushQueue, PushedUpdate};
use domain::acceptance::{Item, Judged};
use domain::ids::WorkspaceId;
use futures::future::join_all;
use futures::poll;
use persistence::Fence;
use testkit::{
    Fixture, Fleet, UpdateBuilder, a_device, a_workspace, an_update, seconds, start, words_of,
};
use tokio::time::timeout;

/// Longer than any of them takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub type Pushing = Pin<Box<dyn Future<Output = Result<Vec<Judged>, AcceptError>> + Send>>;

/// A depot whose first pushes are held up, as by a change of its configuration.
pub struct Depot {
    pub fleet: Fleet,
    pub queue: PushQueue,
    pub change: persistence::UnitOfWork,
}

impl Depot {
    pub async fn held_up(fixture: &Fixture) -> Self {
        Self::of(depot(fixture).await).await
    }

    pub async fn of(fleet: Fleet) -> Self {
        let store = &fleet.core.store;
        let change = store.begin(&fleet.id, Fence::Exclusive).await;
        Self {
            change: change.expect("the store"),
            queue: PushQueue::default(),
            fleet,
        }
    }

    /// Begins to push, as far as that goes while the depot is held up.
    pub async fn begin<I: Into<Item>>(&self, items: impl IntoIterator<Item = I>) -> Pushing {
        self.begin_for(&self.fleet.id, items, None).await
    }

    pub async fn begin_for<I: Into<Item>>(
        &self,
        workspace_id: &WorkspaceId,
        items: impl IntoIterator<Item = I>,
        trace_id: Option<&str>,
    ) -> Pushing {
        let push = a_push(items, trace_id);
        self.begin_by(&self.fleet.core, workspace_id, push).await
    }

    pub async fn begin_by(&self, core: &Core, workspace_id: &WorkspaceId, push: Push) -> Pushing {
        let (queue, core) = (self.queue.clone(), core.clone());
        let workspace_id = workspace_id.clone();
        let mut pushing: Pushing =
            Box::pin(async move { accept(&queue, &core, &workspace_id, push).await });
        assert!(poll!(&mut pushing).is_pending(), "the depot is held up");
        pushing
    }

    pub async fn let_go(self) -> Fleet {
        self.change.commit().await.expect("the store");
        self.fleet
    }
}

/// The verdicts on a push; each stands beside the update that it is about.
pub async fn accept(
    queue: &PushQueue,
    core: &Core,
    workspace_id: &WorkspaceId,
    push: Push,
) -> Result<Vec<Judged>, AcceptError> {
    let sent = push.updates.clone();
    let judged = queue.accept(core, workspace_id, push).await?;
    let judged = sent.into_iter().zip(judged).map(|(sent, judged)| {
        let JudgedUpdate { update, judged } = judged;
        assert_eq!(update, sent);
        judged
    });
    Ok(judged.collect())
}

pub async fn depot(fixture: &Fixture) -> Fleet {
    let devices = [a_device("bus-1"), a_device("bus-2")];
    a_workspace("north").with_all(devices).create(fixture).await
}

pub fn a_push<I: Into<Item>>(items: impl IntoIterator<Item = I>, trace_id: Option<&str>) -> Push {
    let updates = items.into_iter().enumerate().map(|(n, item)| PushedUpdate {
        item: item.into(),
        message_id: Some(format!("m-{n}")),
    });
    Push {
        updates: updates.collect(),
        prepared_at: start(),
        trace_id: trace_id.map(str::to_owned),
    }
}

pub fn speed(second: i64) -> UpdateBuilder {
    an_update("bus-1")
        .observed(start() - seconds(60 - second))
        .with("speed_kmh", second)
}

/// In how many transactions the depot's accepted updates were recorded.
pub async fn transactions(fleet: &Fleet) -> i64 {
    sqlx::query_scalar(
        "SELECT count(DISTINCT xmin::text) FROM event_store WHERE type = 'TelematicsUpdateAccepted'",
    )
    .fetch_one(fleet.core.store.pool())
    .await
    .expect("the events")
}

/// All answers; a line that nobody serves is a failure and not a wait without end.
pub async fn answers(
    pushing: impl IntoIterator<Item = Pushing>,
) -> Vec<Result<Vec<Judged>, AcceptError>> {
    let answers = timeout(PATIENCE, join_all(pushing)).await;
    answers.expect("an answer for each")
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
    for judged in answers(pushing).await {
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
    let answers: Vec<_> = answers(pushing).await;
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
    answers(pushing).await;
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
    for judged in answers(pushing).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert_eq!(transactions(&fleet).await, 3, "the first, 64, and the rest");
    let events = fleet.accepted_events("bus-1").await;
    assert_eq!(events.len(), 70);
}

#[tokio::test]
async fn those_of_a_turn_are_answered_whatever_the_next_one_waits_for() {
    let fixture = Fixture::create().await;
    let fleet = depot(&fixture).await;
    fleet.push([an_update("bus-2").with("speed_kmh", 1)]).await;
    let mut elsewhere = fleet.core.store.pool().begin().await.expect("the store");
    sqlx::query("SELECT FROM snapshots WHERE device_id = 'bus-2' FOR UPDATE")
        .execute(&mut *elsewhere)
        .await
        .expect("a lock");
    let depot = Depot::of(fleet).await;
    let mut pushing = Vec::new();
    for second in 0..65 {
        let update = an_update("bus-1").observed(start() - seconds(70 - second));
        pushing.push(depot.begin([update.with("speed_kmh", second)]).await);
    }
    let later = an_update("bus-2").observed(start() + seconds(1));
    let mut last = depot.begin([later.with("speed_kmh", 2)]).await;
    depot.let_go().await;
    for judged in answers(pushing).await {
        assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
    }
    assert!(poll!(&mut last).is_pending(), "bus-2 is held elsewhere");
    elsewhere.rollback().await.expect("the store");
    let judged = answers([last]).await.remove(0);
    assert_eq!(words_of(&judged.expect("an answer")), ["accepted"]);
}
