//! The one acceptance path: decide and persist a batch of updates.
//!
//! Begin under the shared fence; read the flags, the configuration and what is held; decide; move
//! snapshots and append events in one call; keep what was refused; commit; answer. A device that a
//! concurrent batch moved in between is decided anew, in the same unit of work.
//!
//! Where an instance remembers everything that a push is judged by, it decides first, and the database
//! records it all at once, if what was remembered is still so under the fence. Else it is as above.

use std::collections::{HashMap, HashSet};
use std::iter;

use chrono::{DateTime, Utc};
use domain::acceptance::{
    Gate, Held, Item, Judged, Registry, Source, Verdict, decide_batch, tally_rejections,
};
use domain::fleet::{Cutover, Workspace};
use domain::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use persistence::acceptance::{
    AcceptedEvent, Delivery, HeldByDevice, MovedSnapshot, Origin, Recording,
};
use persistence::{Fence, StorageError, UnitOfWork};
use telemetry::metrics;

use super::count_judged;
use crate::Core;

/// Updates of one workspace, decided in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Whose.
    pub workspace_id: &'a WorkspaceId,
    /// In the order in which they are decided.
    pub items: &'a [Item],
    /// Where they come from.
    pub source: Source,
    /// When they were prepared from what the provider sent.
    pub prepared_at: DateTime<Utc>,
    /// The W3C trace id of what brought them.
    pub trace_id: Option<&'a str>,
    /// Where each item comes from, where that differs; else empty.
    pub origins: &'a [Origin<'a>],
}

/// Why a batch was refused whole.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    UnknownWorkspace,
    /// The workspace is inactive.
    #[error("the workspace is inactive")]
    InactiveWorkspace,
    /// The poll's lease is no longer held: another holder, or nobody, may bring its results.
    #[error("the cycle's lease is no longer held")]
    LeaseLost,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Decides and persists a batch; answers item by item, in order, after the commit.
///
/// # Errors
/// [`AcceptError`], with nothing persisted; where the database did not confirm a commit, it may have landed.
pub async fn accept_updates(core: &Core, batch: Batch<'_>) -> Result<Vec<Judged>, AcceptError> {
    let _measured = metrics::query("accept_updates");
    if let Some(judged) = accept_as_remembered(core, &batch).await? {
        count_judged(&judged);
        return Ok(judged);
    }
    let mut uow = core.store.begin(batch.workspace_id, Fence::Shared).await?;
    let judged = accept_in_tx(core, &mut uow, batch).await?;
    uow.commit().await?;
    count_judged(&judged);
    Ok(judged)
}

/// Decides a push by what is remembered of its workspace and devices, and records it if that still counts.
/// Nothing where something is not remembered, or not so any more, or where there is more to record than what
/// was accepted.
async fn accept_as_remembered(
    core: &Core,
    batch: &Batch<'_>,
) -> Result<Option<Vec<Judged>>, AcceptError> {
    // A cycle's lease is looked at under the fence.
    if !matches!(batch.source, Source::Push) {
        return Ok(None);
    }
    let Some(workspace) = core.store.remembered(batch.workspace_id) else {
        return Ok(None);
    };
    let Some((registry, held)) = workspace.load(batch.items.iter()) else {
        return Ok(None);
    };
    let gate = gate_of(core, batch, workspace.cutover(), core.clock.now());
    let mut pass = Pass { registry, held };
    let judged = pass.decide(batch.items.iter(), &gate);
    if judged
        .iter()
        .any(|one| matches!(one.verdict, Verdict::Rejected(_)))
    {
        return Ok(None);
    }
    let recording = pass.recording(core, batch, &gate, 0..batch.items.len(), &judged);
    let landed = workspace.record(recording, gate.now).await?;
    if landed {
        announce(batch);
    }
    Ok(landed.then_some(judged))
}

/// The same within the caller's unit of work, which must hold the shared fence.
pub(crate) async fn accept_in_tx(
    core: &Core,
    uow: &mut UnitOfWork,
    batch: Batch<'_>,
) -> Result<Vec<Judged>, AcceptError> {
    let workspace = active_workspace(uow).await?;
    let now = core.clock.now();
    let judged = accept_as_it_stands(core, uow, &workspace, batch, now).await?;
    let own_traces = batch.origins.iter().map(|origin| origin.trace_id);
    let traces = own_traces
        .map(|own| own.or(batch.trace_id))
        .chain(iter::repeat(batch.trace_id));
    let updates = batch.items.iter().zip(&judged).zip(traces);
    let updates = updates.map(|((item, judged), trace_id)| (item, judged, trace_id));
    let rejections = tally_rejections(updates);
    uow.keep_rejections(&rejections, cycle_of(batch.source), now)
        .await?;
    Ok(judged)
}

/// The unit of work's workspace, if it accepts anything.
pub(super) async fn active_workspace(uow: &mut UnitOfWork) -> Result<Workspace, AcceptError> {
    let record = uow.workspace().await?;
    let workspace = record.ok_or(AcceptError::UnknownWorkspace)?.workspace;
    if workspace.active {
        Ok(workspace)
    } else {
        Err(AcceptError::InactiveWorkspace)
    }
}

/// The same for a workspace that was read in this unit of work. What it refuses is the caller's to keep:
/// once, after everything that waits for snapshots, so that no lock is held for it meanwhile.
pub(super) async fn accept_as_it_stands(
    core: &Core,
    uow: &mut UnitOfWork,
    workspace: &Workspace,
    batch: Batch<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Judged>, AcceptError> {
    if let Source::Cycle { cycle_id, lease } = batch.source
        && !uow.holds_lease(cycle_id, lease).await?
    {
        return Err(AcceptError::LeaseLost);
    }
    announce(&batch);
    let gate = gate_of(core, &batch, workspace.cutover, now);
    let mut judged: Vec<Option<Judged>> = batch.items.iter().map(|_| None).collect();
    let mut pending: Vec<usize> = (0..batch.items.len()).collect();
    // The first pass locks the rows of devices that it could not move, so the second moves them.
    while !pending.is_empty() {
        let items = || pending.iter().map(|at| &batch.items[*at]);
        let (registry, held) = uow.load_for_acceptance(items()).await?;
        let mut pass = Pass { registry, held };
        let verdicts = pass.decide(items(), &gate);
        let recording = pass.recording(core, &batch, &gate, pending.iter().copied(), &verdicts);
        let overtaken = if recording.is_empty() {
            HashSet::new()
        } else {
            uow.record(recording, now).await?
        };
        let mut again = Vec::new();
        for (at, verdict) in pending.into_iter().zip(verdicts) {
            if verdict
                .device_id
                .as_ref()
                .is_some_and(|device| overtaken.contains(device))
            {
                again.push(at);
            } else {
                judged[at] = Some(verdict);
            }
        }
        pending = again;
    }
    Ok(judged.into_iter().flatten().collect())
}

fn announce(batch: &Batch<'_>) {
    tracing::debug!(
        workspace_id = %batch.workspace_id,
        trace_id = batch.trace_id,
        updates = batch.items.len(),
        payload_prepared_at = %batch.prepared_at,
        "TelematicsIngressPayloadPrepared"
    );
}

fn gate_of(core: &Core, batch: &Batch<'_>, cutover: Cutover, now: DateTime<Utc>) -> Gate {
    Gate {
        cutover,
        source: batch.source,
        future_tolerance: core.rules.future_tolerance,
        now,
    }
}

/// One round of reading, deciding and writing.
struct Pass {
    registry: Registry,
    held: HeldByDevice,
}

impl Pass {
    fn decide<'i>(&mut self, items: impl Iterator<Item = &'i Item>, gate: &Gate) -> Vec<Judged> {
        decide_batch(items, &self.registry, &mut self.held, gate)
    }

    /// What the verdicts come to: an event for each accepted update, and the snapshots that they leave, which
    /// are held here no more.
    fn recording<'b>(
        &'b mut self,
        core: &Core,
        batch: &Batch<'b>,
        gate: &Gate,
        pending: impl Iterator<Item = usize>,
        verdicts: &'b [Judged],
    ) -> Recording<'b> {
        let mut places = self.places(verdicts);
        let mut events = Vec::with_capacity(verdicts.len());
        for (at, judged) in pending.zip(verdicts) {
            let (Some(device_id), Verdict::Accepted { newer, .. }) =
                (&judged.device_id, &judged.verdict)
            else {
                continue;
            };
            let (Some(device), Item::Update(update), Some(place)) = (
                self.registry.device(device_id),
                &batch.items[at],
                places.get_mut(device_id),
            ) else {
                continue;
            };
            place.updates += 1;
            events.push(AcceptedEvent {
                event_id: EventId(core.ids.next(gate.now)),
                device,
                version: place.replaces + place.updates,
                normalized_values: newer,
                newest_observed_at: place
                    .newest_observed_at
                    .filter(|newest| Some(*newest) > newer.newest_observed_at()),
                dropped_signals: &update.dropped,
                origin: batch.origins.get(at).copied(),
            });
        }
        let snapshots = places
            .into_iter()
            .filter_map(|(device_id, place)| {
                let device = self.registry.device(device_id)?;
                let held = self.held.remove(device_id)?;
                Some(MovedSnapshot {
                    device_id: device.id.clone(),
                    activation_id: device.activation_id,
                    replaces_version: place.replaces,
                    held,
                })
            })
            .collect();
        let delivery = Delivery {
            prepared_at: batch.prepared_at,
            trace_id: batch.trace_id,
            cycle_id: cycle_of(batch.source),
        };
        Recording::new(snapshots, events, delivery)
    }

    /// Where the accepted updates begin, of each device.
    fn places<'v>(&self, verdicts: &'v [Judged]) -> HashMap<&'v DeviceId, Place> {
        let mut places: HashMap<&DeviceId, Place> = HashMap::with_capacity(self.held.len());
        for judged in verdicts {
            if let (Some(device_id), Verdict::Accepted { .. }) =
                (&judged.device_id, &judged.verdict)
                && let Some(held) = self.held.get(device_id)
            {
                let place = places.entry(device_id);
                place.or_insert_with(|| Place::after(held)).replaces -= 1;
            }
        }
        places
    }
}

/// Where a batch's updates of a device stand in its history. Their events say so, and in which activation:
/// clocks of instances differ, and a transaction that began first may end last.
#[derive(Clone, Copy)]
struct Place {
    /// The version before the first of them.
    replaces: i64,
    /// How many there were so far.
    updates: i64,
    /// The newest observation that its batch left.
    newest_observed_at: Option<DateTime<Utc>>,
}

impl Place {
    /// After all of them, which left this.
    fn after(held: &Held) -> Self {
        Self {
            replaces: held.version,
            updates: 0,
            newest_observed_at: held.readings.newest_observed_at(),
        }
    }
}

const fn cycle_of(source: Source) -> Option<CycleId> {
    match source {
        Source::Push => None,
        Source::Cycle { cycle_id, .. } => Some(cycle_id),
    }
}
