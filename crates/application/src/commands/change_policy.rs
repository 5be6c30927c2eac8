//! The command that changes a workspace's policy: the polling interval and the thresholds.

use domain::events::EventType;
use domain::fleet::{Policy, WorkspaceRecord};
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::{CycleStatus, CycleTrigger};
use persistence::polling::NewCycle;
use persistence::{Fence, StorageError, UnitOfWork};
use serde_json::json;

use super::{ChangeError, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// Replaces a workspace's policy. A policy that changes nothing keeps its version. A new polling interval holds from
/// the next whole minute on. The command also queues the slot that bridges the two intervals, since neither the old
/// nor the new schedule may fire it.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn change_policy(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    policy: Policy,
    precondition: &Precondition,
) -> Result<WorkspaceRecord, ChangeError<WorkspaceRecord>> {
    let mut uow = core.store.begin(id, Fence::Exclusive).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    if !precondition.allows(Some(record.policy.version)) {
        return Err(ChangeError::Outdated(Box::new(record)));
    }
    if record.workspace.policy == policy {
        return Ok(record);
    }
    let now = core.clock.now();
    let cadences = record.workspace.cadences.changed(policy.poll_interval, now);
    uow.update_policy(policy, cadences, now).await?;
    let cadence_changed = cadences != record.workspace.cadences;
    let payload = json!({
        "version": record.policy.version + 1,
        "from": describe(record.workspace.policy),
        "to": describe(policy),
        "poll_interval_since": cadence_changed.then_some(cadences.current.since),
    });
    let change = Change::new(EventType::WorkspacePolicyChanged, payload);
    core.record_change(&mut uow, author, change).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    if cadence_changed && record.workspace.polled_since().is_some() {
        queue_bridge(core, author, &mut uow, &record).await?;
    }
    uow.commit().await?;
    Ok(record)
}

/// Queues the slot that keeps the gap between the old and the new schedule within the longer interval, if there is such
/// a slot. If the old schedule still triggers the slot later, that trigger is a duplicate.
async fn queue_bridge(
    core: &Core,
    author: Author<'_>,
    uow: &mut UnitOfWork,
    record: &WorkspaceRecord,
) -> Result<(), StorageError> {
    let timetable = record.workspace.timetable();
    let Some(slot) = timetable.bridge() else {
        return Ok(());
    };
    let now = core.clock.now();
    let cycle = NewCycle {
        cycle_id: CycleId(core.ids.next(now)),
        trigger: CycleTrigger::Scheduled,
        status: CycleStatus::Queued,
        reason: None,
        scheduled_time: Some(slot),
        due_at: timetable.due_at(slot, core.rules.trigger_precision),
        trace_id: author.trace_id,
        fired_by: [None; 3],
    };
    if uow.record_trigger(&cycle, now).await?.duplicate {
        return Ok(());
    }
    core.append_triggered(uow, author, &cycle).await
}

/// Describes a policy for its events.
fn describe(policy: Policy) -> serde_json::Value {
    json!({
        "poll_interval_minutes": policy.poll_interval.minutes(),
        "stale_threshold_minutes": policy.stale_threshold_minutes,
        "no_data_grace_minutes": policy.no_data_grace_minutes,
    })
}
