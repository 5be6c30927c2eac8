//! Small pushes of one workspace that arrive at the same time share a transaction.
//!
//! A push that finds nothing under way is accepted at once, in its own request. Pushes that arrive meanwhile wait, and
//! are then accepted as a group, in the order in which they arrived: fence, flags, commit and the flush of the log are
//! paid once for all of them. So the busier a workspace is, the less an update costs.
//!
//! Groups are accepted by a task, one after another for as long as pushes wait. A caller that disconnects stops nobody
//! else's push, and a transaction that nobody waits for any more is given up.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::BrokenInvariant;
use domain::acceptance::{Item, Judged, JudgedItem, Origin, Source};
use domain::ids::WorkspaceId;
use futures::FutureExt;
use futures::future::join;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::accept_updates::{AcceptError, Batch, accept_updates};
use crate::Core;

/// Updates of a small push, at most. A larger one has a transaction of its own, as it would hold up the others.
const SMALL_PUSH: usize = 32;

/// Pushes of a group, at most.
const PUSHES_AT_ONCE: usize = 64;

/// Updates that a machine pushes in one request.
#[derive(Clone, Debug)]
pub struct Push {
    /// The updates in the order in which they are decided.
    pub updates: Vec<PushedUpdate>,
    /// The instant at which the updates were read.
    pub prepared_at: DateTime<Utc>,
    /// The W3C trace id of the request.
    pub trace_id: Option<String>,
}

/// An update of a push, with its sender's own name for it.
#[derive(Clone, Debug, PartialEq)]
pub struct PushedUpdate {
    /// The update as it was read.
    pub item: Item,
    /// The sender's name for the update, which the answer repeats.
    pub message_id: Option<String>,
}

/// An update of a push together with its verdict.
#[derive(Clone, Debug)]
pub struct JudgedUpdate {
    /// The update that was judged.
    pub update: PushedUpdate,
    /// The verdict on the update.
    pub judged: Judged,
}

/// The pushes that an instance is accepting. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PushQueue(Arc<Mutex<Queues>>);

/// The waiting pushes by workspace. A workspace has an entry while one of its pushes is under way.
type Queues = HashMap<WorkspaceId, VecDeque<QueuedPush>>;

/// A push that waits for its turn.
#[derive(Debug)]
struct QueuedPush {
    push: Arc<Push>,
    /// Dropped without an answer if the caller is to try the push alone.
    answer: oneshot::Sender<Vec<Judged>>,
}

impl PushQueue {
    /// Accepts a push, alone or in a group. Returns its updates with their verdicts, in order, after the commit.
    ///
    /// # Errors
    /// As of [`accept_updates`].
    pub async fn accept(
        &self,
        core: &Core,
        workspace_id: &WorkspaceId,
        push: Push,
    ) -> Result<Vec<JudgedUpdate>, AcceptError> {
        let push = Arc::new(push);
        let alone = || accept_updates(core, batch_of(workspace_id, push.prepared_at, [&*push]));
        let judged = match self.take_turn(core, workspace_id, &push) {
            Turn::Now(_guard) => verdicts(alone().await?),
            Turn::Later(answer) => match answer.await {
                Ok(judged) => judged,
                // A group that failed is tried push by push: what is wrong with one must not fail the others.
                Err(_) => verdicts(alone().await?),
            },
        };
        pair(workspace_id, push, judged)
    }

    fn take_turn<'a>(
        &'a self,
        core: &'a Core,
        workspace_id: &'a WorkspaceId,
        push: &Arc<Push>,
    ) -> Turn<'a> {
        if push.updates.len() > SMALL_PUSH {
            return Turn::Now(None);
        }
        let mut queues = self.queues();
        if let Some(queue) = queues.get_mut(workspace_id) {
            let (answer, answered) = oneshot::channel();
            let push = Arc::clone(push);
            queue.push_back(QueuedPush { push, answer });
            return Turn::Later(answered);
        }
        queues.insert(workspace_id.clone(), VecDeque::new());
        Turn::Now(Some(FirstPush {
            queue: self,
            core,
            workspace_id,
        }))
    }

    /// Takes the pushes that come next and whose callers still wait. Where there are none, the workspace's queue ends.
    fn next_group(&self, workspace_id: &WorkspaceId) -> Option<Group> {
        let mut queues = self.queues();
        let queue = queues.get_mut(workspace_id)?;
        queue.retain(|queued| !queued.answer.is_closed());
        let Some(first) = queue.front() else {
            queues.remove(workspace_id);
            return None;
        };
        let prepared_at = first.push.prepared_at;
        let length = queue.len().min(PUSHES_AT_ONCE);
        Some(Group {
            prepared_at,
            pushes: queue.drain(..length).collect(),
        })
    }

    /// Accepts a group, and then those that have come together meanwhile. The next transaction is begun before the
    /// callers of the last one are answered: begun after them, an update takes a fifth more CPU time.
    async fn accept_groups(self, core: Core, workspace_id: WorkspaceId, first: Group) {
        let mut next = Some(first);
        let mut accepted = Vec::new();
        while let Some(group) = next {
            let answering = async { accepted.drain(..).for_each(AcceptedPush::answer) };
            let accepting = group.accept(&core, &workspace_id);
            let (accepted_now, ()) = join(accepting, answering).await;
            accepted = accepted_now;
            next = self.next_group(&workspace_id);
        }
        accepted.into_iter().for_each(AcceptedPush::answer);
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a push is accepted at once or waits for its group.
enum Turn<'a> {
    /// At once; a small push holds its workspace's queue while it is under way.
    Now(Option<FirstPush<'a>>),
    /// With its group, whose verdicts on this push come here.
    Later(oneshot::Receiver<Vec<Judged>>),
}

/// The push that is under way in its own request while others of its workspace wait. However it ends, a task accepts
/// those.
struct FirstPush<'a> {
    queue: &'a PushQueue,
    core: &'a Core,
    workspace_id: &'a WorkspaceId,
}

impl Drop for FirstPush<'_> {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            // Without a runtime the instance is going down: each caller that is left tries alone.
            self.queue.queues().remove(self.workspace_id);
            return;
        };
        if let Some(group) = self.queue.next_group(self.workspace_id) {
            let (core, workspace_id) = (self.core.clone(), self.workspace_id.clone());
            let accepting = self.queue.clone().accept_groups(core, workspace_id, group);
            runtime.spawn(accepting);
        }
    }
}

/// A push of a group whose transaction has been committed.
struct AcceptedPush {
    queued: QueuedPush,
    judged: Vec<Judged>,
}

impl AcceptedPush {
    fn answer(self) {
        let QueuedPush { push, answer } = self.queued;
        // The caller has its push for itself again.
        drop(push);
        // The caller may have disconnected; what was accepted stays so.
        let _ = answer.send(self.judged);
    }
}

/// Pushes that are accepted in one transaction.
struct Group {
    /// The instant at which the updates of the first push were read.
    prepared_at: DateTime<Utc>,
    pushes: Vec<QueuedPush>,
}

impl Group {
    /// Accepts the pushes. Returns nothing if each of them is to be tried alone, or all callers have disconnected.
    async fn accept(mut self, core: &Core, workspace_id: &WorkspaceId) -> Vec<AcceptedPush> {
        let (pushes, answers): (Vec<_>, Vec<_>) = self
            .pushes
            .iter_mut()
            .map(|queued| (&*queued.push, &mut queued.answer))
            .unzip();
        let span = tracing::error_span!(
            // The group belongs to several requests, so its span belongs to none.
            parent: None, "accept_together", %workspace_id, pushes = pushes.len()
        );
        let batch = batch_of(workspace_id, self.prepared_at, pushes);
        // A panic is for the push that causes it.
        let accepting = AssertUnwindSafe(accept_updates(core, batch)).catch_unwind();
        let all_disconnected = async {
            for answer in answers {
                answer.closed().await;
            }
        };
        let accepted = tokio::select! {
            biased;
            accepted = accepting.instrument(span) => accepted,
            () = all_disconnected => return Vec::new(),
        };
        let mut judged = match accepted {
            Ok(Ok(judged)) => verdicts(judged).into_iter(),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, %workspace_id, "pushes failed together, and are tried alone");
                return Vec::new();
            }
            // The panic's own message is logged where it happens.
            Err(_) => return Vec::new(),
        };
        let accepted = self.pushes.into_iter().map(|queued| AcceptedPush {
            judged: judged.by_ref().take(queued.push.updates.len()).collect(),
            queued,
        });
        accepted.collect()
    }
}

/// The updates of some pushes as one batch, each in the trace of its own request.
fn batch_of<'a>(
    workspace_id: &'a WorkspaceId,
    prepared_at: DateTime<Utc>,
    pushes: impl IntoIterator<Item = &'a Push>,
) -> Batch<'a> {
    let items = pushes.into_iter().flat_map(|push| {
        let origin = Origin {
            envelope_id: None,
            trace_id: push.trace_id.as_deref(),
        };
        push.updates
            .iter()
            .map(move |update| (&update.item, origin))
    });
    Batch::new(workspace_id, Source::Push, prepared_at, items)
}

fn verdicts(judged: Vec<JudgedItem<'_>>) -> Vec<Judged> {
    judged.into_iter().map(|one| one.judged).collect()
}

/// Puts each update of a push together with its verdict.
fn pair(
    workspace_id: &WorkspaceId,
    push: Arc<Push>,
    judged: Vec<Judged>,
) -> Result<Vec<JudgedUpdate>, AcceptError> {
    let Push {
        updates, trace_id, ..
    } = Arc::unwrap_or_clone(push);
    if updates.len() != judged.len() {
        return Err(AcceptError::Broken(BrokenInvariant {
            what: "a push has another number of verdicts than of updates",
            workspace_id: workspace_id.clone(),
            ids: format!("trace {trace_id:?}"),
        }));
    }
    let pairs = updates.into_iter().zip(judged);
    Ok(pairs
        .map(|(update, judged)| JudgedUpdate { update, judged })
        .collect())
}
