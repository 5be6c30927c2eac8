//! Small pushes of one workspace that come at the same time are accepted together.
//!
//! The first goes at once. Those that come while its transaction is under way wait for it, and are then
//! decided in one of their own, in the order in which they came: fence, flags, commit and the flush of the
//! log are paid once for all of them. So nothing waits where nothing else is under way, and the busier a
//! workspace is, the less an update costs.
//!
//! The first is accepted in its own request. Those that wait are accepted by a task that goes on as long as
//! anybody does, one transaction after another, each begun before the callers of the last one are answered.
//! Whoever hangs up stops nobody else's; a transaction that nobody waits for any more is given up.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Judged, Source};
use domain::ids::WorkspaceId;
use futures::FutureExt;
use futures::future::join;
use persistence::acceptance::Origin;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::accept_updates::{AcceptError, Batch, accept_updates};
use crate::Core;

/// A push of more updates than these goes alone: it pays its own way, and would hold up the others.
const FEW: usize = 32;

/// Pushes that are accepted together, at most.
const TOGETHER: usize = 64;

/// Updates that somebody pushes.
#[derive(Clone, Debug)]
pub struct Push {
    /// In the order in which they are decided.
    pub items: Vec<Item>,
    /// When they were read.
    pub prepared_at: DateTime<Utc>,
    /// The W3C trace id of the request.
    pub trace_id: Option<String>,
}

/// Has the pushes of an instance accepted, alone or together. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pushes(Arc<Mutex<Lines>>);

/// Who waits, by workspace; there is a line as long as somebody has the lead.
type Lines = HashMap<WorkspaceId, VecDeque<Waiter>>;

#[derive(Debug)]
struct Waiter {
    push: Arc<Push>,
    /// Dropped without an answer where the push is to be tried alone.
    answer: oneshot::Sender<Vec<Judged>>,
}

impl Pushes {
    /// Accepts a push, alone or with others; answers item by item, in order, after the commit.
    ///
    /// # Errors
    /// As of [`accept_updates`].
    pub async fn accept(
        &self,
        core: &Core,
        workspace_id: &WorkspaceId,
        push: Arc<Push>,
    ) -> Result<Vec<Judged>, AcceptError> {
        if push.items.len() > FEW {
            return accept_alone(core, workspace_id, &push).await;
        }
        match self.line_up(core, workspace_id, &push) {
            Place::First(_lead) => accept_alone(core, workspace_id, &push).await,
            Place::InLine(its_answer) => match its_answer.await {
                Ok(judged) => Ok(judged),
                // What failed together is tried alone: what is wrong with one must not fail the others.
                Err(_) => accept_alone(core, workspace_id, &push).await,
            },
        }
    }

    fn line_up<'a>(
        &'a self,
        core: &'a Core,
        workspace_id: &'a WorkspaceId,
        push: &Arc<Push>,
    ) -> Place<'a> {
        let mut lines = self.lines();
        if let Some(line) = lines.get_mut(workspace_id) {
            let (answer, its_answer) = oneshot::channel();
            let push = Arc::clone(push);
            line.push_back(Waiter { push, answer });
            return Place::InLine(its_answer);
        }
        lines.insert(workspace_id.clone(), VecDeque::new());
        Place::First(Lead {
            pushes: self,
            core,
            workspace_id,
        })
    }

    /// Whoever has the lead takes those whose turn it is; where nobody waits, it has the lead no more.
    fn next_turn(&self, workspace_id: &WorkspaceId) -> Option<Turn> {
        let mut lines = self.lines();
        let line = lines.get_mut(workspace_id);
        let Some(line) = line.filter(|line| !line.is_empty()) else {
            lines.remove(workspace_id);
            return None;
        };
        let some = line.len().min(TOGETHER);
        Some(Turn::of(line.drain(..some)))
    }

    /// Lets go of the lead and of all that wait, so that each tries alone.
    fn disband(&self, workspace_id: &WorkspaceId) {
        let line = self.lines().remove(workspace_id);
        drop(line);
    }

    /// Accepts those of a turn, and then all that have come meanwhile.
    async fn accept_in_turn(self, core: Core, workspace_id: WorkspaceId, first: Turn) {
        let mut next = Some(first);
        let mut last: Option<Accepted> = None;
        while let Some(mut turn) = next {
            let accepting = turn.accept(&core, &workspace_id);
            let answering = async {
                if let Some(last) = last.take() {
                    last.answer();
                }
            };
            let (judged, ()) = join(accepting, answering).await;
            last = judged.map(|judged| Accepted { turn, judged });
            next = self.next_turn(&workspace_id);
        }
        if let Some(last) = last {
            last.answer();
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a push stands among those of its workspace.
enum Place<'a> {
    /// It goes at once, and has the lead.
    First(Lead<'a>),
    /// Others are under way.
    InLine(oneshot::Receiver<Vec<Judged>>),
}

/// The lead of a workspace's pushes, which one at a time has. Let go of, however that comes about, it passes to
/// a task for those that wait.
struct Lead<'a> {
    pushes: &'a Pushes,
    core: &'a Core,
    workspace_id: &'a WorkspaceId,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            self.pushes.disband(self.workspace_id);
            return;
        };
        if let Some(turn) = self.pushes.next_turn(self.workspace_id) {
            let (core, workspace_id) = (self.core.clone(), self.workspace_id.clone());
            runtime.spawn(self.pushes.clone().accept_in_turn(core, workspace_id, turn));
        }
    }
}

/// Those that are accepted in one transaction: their pushes, and beside each where its answer goes.
struct Turn {
    pushes: Vec<Arc<Push>>,
    answers: Vec<oneshot::Sender<Vec<Judged>>>,
}

impl Turn {
    /// Those of them that are still there.
    fn of(waiters: impl Iterator<Item = Waiter>) -> Self {
        let (pushes, answers) = waiters
            .filter(|waiter| !waiter.answer.is_closed())
            .map(|Waiter { push, answer }| (push, answer))
            .unzip();
        Self { pushes, answers }
    }

    /// What became of all their updates; nothing where each is to try alone, or all have hung up.
    async fn accept(&mut self, core: &Core, workspace_id: &WorkspaceId) -> Option<Vec<Judged>> {
        let Self { pushes, answers } = self;
        // Of no request, as it is of several; a panic is for the one that causes it.
        let accepting = AssertUnwindSafe(accept_together(core, workspace_id, pushes))
            .catch_unwind()
            .instrument(tracing::error_span!(
                parent: None, "accept_together", %workspace_id, pushes = pushes.len()
            ));
        let nobody_waits = async {
            for answer in answers {
                answer.closed().await;
            }
        };
        let accepted = tokio::select! {
            biased;
            accepted = accepting => accepted,
            () = nobody_waits => return None,
        };
        match accepted {
            Ok(Ok(judged)) => Some(judged),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, %workspace_id, "pushes failed together, and are tried alone");
                None
            }
            // The panic's own message is logged where it happens.
            Err(_) => None,
        }
    }
}

/// A turn whose transaction has been committed.
struct Accepted {
    turn: Turn,
    judged: Vec<Judged>,
}

impl Accepted {
    /// Gives each what became of its own updates.
    fn answer(self) {
        let Self {
            turn: Turn { pushes, answers },
            mut judged,
        } = self;
        for (push, answer) in pushes.into_iter().zip(answers) {
            let of_others = judged.split_off(push.items.len());
            let of_this = mem::replace(&mut judged, of_others);
            // Whoever waits has its updates for itself again.
            drop(push);
            // Its caller may have hung up; what was accepted stays so.
            let _ = answer.send(of_this);
        }
    }
}

async fn accept_alone(
    core: &Core,
    workspace_id: &WorkspaceId,
    push: &Push,
) -> Result<Vec<Judged>, AcceptError> {
    let batch = Batch {
        workspace_id,
        items: &push.items,
        source: Source::Push,
        prepared_at: push.prepared_at,
        trace_id: push.trace_id.as_deref(),
        origins: &[],
    };
    accept_updates(core, batch).await
}

/// Accepts all in one transaction.
async fn accept_together(
    core: &Core,
    workspace_id: &WorkspaceId,
    pushes: &[Arc<Push>],
) -> Result<Vec<Judged>, AcceptError> {
    let Some(first) = pushes.first() else {
        return Ok(Vec::new());
    };
    let updates = pushes.iter().flat_map(|push| push.items.iter().cloned());
    let origins = pushes
        .iter()
        .flat_map(|push| push.items.iter().map(|_| origin_of(push)));
    let batch = Batch {
        workspace_id,
        items: &updates.collect::<Vec<Item>>(),
        source: Source::Push,
        prepared_at: first.prepared_at,
        trace_id: first.trace_id.as_deref(),
        origins: &origins.collect::<Vec<Origin<'_>>>(),
    };
    accept_updates(core, batch).await
}

fn origin_of(push: &Push) -> Origin<'_> {
    Origin {
        envelope_id: None,
        trace_id: push.trace_id.as_deref(),
    }
}
