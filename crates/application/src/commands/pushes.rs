//! Small pushes of one workspace that come at the same time are accepted together.
//!
//! The first goes at once. Those that come while its transaction is under way wait for it, and are then
//! decided in one of their own, in the order in which they came: fence, flags, commit and the flush of the
//! log are paid once for all of them. So nothing waits where nothing else is under way, and the busier a
//! workspace is, the less an update costs.
//!
//! Each transaction runs in the request of one of those whose updates are in it. When that is done, or its
//! caller hangs up, the next that waits takes the lead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{iter, mem};

use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Judged, Source};
use domain::ids::WorkspaceId;
use persistence::Origin;
use tokio::sync::oneshot;

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

/// The pushes of an instance that are under way or wait. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pushes(Arc<Mutex<Waiting>>);

/// Who waits, by workspace; there is an entry as long as somebody has the lead.
type Waiting = HashMap<WorkspaceId, VecDeque<Waiter>>;

#[derive(Debug)]
struct Waiter {
    push: Arc<Push>,
    turn: oneshot::Sender<Turn>,
}

/// What a waiter waits for.
#[derive(Debug)]
enum Turn {
    /// Its updates were accepted together with others'.
    Judged(Vec<Judged>),
    /// It takes the lead.
    Lead(Lead),
}

impl Pushes {
    /// Accepts a push, alone or with others; answers item by item, in order, after the commit.
    ///
    /// # Errors
    /// [`AcceptError`], with nothing of this push persisted.
    pub async fn accept(
        &self,
        core: &Core,
        workspace_id: &WorkspaceId,
        push: Arc<Push>,
    ) -> Result<Vec<Judged>, AcceptError> {
        if push.items.len() > FEW {
            return accept_alone(core, workspace_id, &push).await;
        }
        let lead = match self.line_up(workspace_id, &push) {
            Ok(lead) => lead,
            Err(turn) => match turn.await {
                Ok(Turn::Judged(judged)) => return Ok(judged),
                Ok(Turn::Lead(lead)) => lead,
                // What failed together is tried alone: what is wrong with one must not fail the others.
                Err(_) => return accept_alone(core, workspace_id, &push).await,
            },
        };
        let others = lead.those_who_wait();
        if others.is_empty() {
            return accept_alone(core, workspace_id, &push).await;
        }
        accept_together(core, workspace_id, lead, &push, others).await
    }

    /// Takes the lead where nobody has it, else waits for a turn.
    fn line_up(
        &self,
        workspace_id: &WorkspaceId,
        push: &Arc<Push>,
    ) -> Result<Lead, oneshot::Receiver<Turn>> {
        let mut waiting = self.waiting();
        if let Some(line) = waiting.get_mut(workspace_id) {
            let (turn, its_turn) = oneshot::channel();
            let push = Arc::clone(push);
            line.push_back(Waiter { push, turn });
            return Err(its_turn);
        }
        waiting.insert(workspace_id.clone(), VecDeque::new());
        Ok(Lead {
            pushes: self.clone(),
            workspace_id: workspace_id.clone(),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lead of a workspace's pushes: one at a time has it. Let go of, however that comes about, it passes
/// to the next that waits.
#[derive(Debug)]
struct Lead {
    pushes: Pushes,
    workspace_id: WorkspaceId,
}

impl Lead {
    fn those_who_wait(&self) -> Vec<Waiter> {
        let mut waiting = self.pushes.waiting();
        let Some(line) = waiting.get_mut(&self.workspace_id) else {
            return Vec::new();
        };
        let some = line.len().min(TOGETHER - 1);
        line.drain(..some).collect()
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut waiting = self.pushes.waiting();
        let next = match waiting.get_mut(&self.workspace_id) {
            Some(line) => line.pop_front(),
            None => None,
        };
        let Some(next) = next else {
            waiting.remove(&self.workspace_id);
            return;
        };
        // A lead that its receiver never takes is let go of again, which needs the lock.
        drop(waiting);
        let lead = Self {
            pushes: self.pushes.clone(),
            workspace_id: self.workspace_id.clone(),
        };
        // Sent back where the next one has gone already, and so let go of as well.
        let _ = next.turn.send(Turn::Lead(lead));
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

/// Accepts all in one transaction. Where it fails, all are let down, and each tries alone.
async fn accept_together(
    core: &Core,
    workspace_id: &WorkspaceId,
    lead: Lead,
    own: &Push,
    others: Vec<Waiter>,
) -> Result<Vec<Judged>, AcceptError> {
    let pushes = || iter::once(own).chain(others.iter().map(|waiter| &*waiter.push));
    let items: Vec<Item> = pushes().flat_map(|push| push.items.clone()).collect();
    let origins: Vec<Origin<'_>> = pushes()
        .flat_map(|push| push.items.iter().map(|_| origin_of(push)))
        .collect();
    let batch = Batch {
        workspace_id,
        items: &items,
        source: Source::Push,
        prepared_at: own.prepared_at,
        trace_id: own.trace_id.as_deref(),
        origins: &origins,
    };
    let accepted = accept_updates(core, batch).await;
    // First of all: the next transaction is under way while these are answered.
    drop(lead);
    let Ok(mut judged) = accepted else {
        drop(others);
        return accept_alone(core, workspace_id, own).await;
    };
    let mut of_others = judged.split_off(own.items.len());
    for Waiter { push, turn } in others {
        let rest = of_others.split_off(push.items.len());
        let of_this = mem::replace(&mut of_others, rest);
        // Whoever waits has its updates for itself again.
        drop(push);
        // Its caller may have hung up; what was accepted stays so.
        let _ = turn.send(Turn::Judged(of_this));
    }
    Ok(judged)
}

fn origin_of(push: &Push) -> Origin<'_> {
    Origin {
        envelope_id: None,
        trace_id: push.trace_id.as_deref(),
    }
}
