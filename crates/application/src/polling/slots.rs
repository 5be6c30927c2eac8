//! Watching the slots of every polled workspace: a slot that nothing triggered is recorded as missed, and the newest
//! of them is made up for. So cycles go on while EventBridge is silent.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::{
    CycleStatus, CycleTrigger, LOOK_BACK, TRIGGER_PATIENCE, missed_slots, slot_to_recover,
};
use persistence::polling::{MissedSlot, NewCycle};
use persistence::{Fence, StorageError};
use telemetry::metrics;

use crate::{Author, Core};

/// Workspaces whose slots one statement reads.
const PAGE: i64 = 500;
/// By how much the clocks of two looks may disagree.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// When an instance last looked at the slots of all workspaces, so that it does not read all of them again. No
/// other instance depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlotWatch {
    looked_at: Option<DateTime<Utc>>,
}

impl SlotWatch {
    /// Records every slot whose trigger is overdue: since the last look, and at the first one since
    /// [`LOOK_BACK`]. Safe on any number of instances at once.
    ///
    /// A failure for one workspace costs the others nothing; the next look covers the span again.
    ///
    /// # Errors
    /// When the store is not available.
    pub async fn look(&mut self, core: &Core) -> Result<(), StorageError> {
        let now = core.clock.now();
        let from = self.looked_at.map_or(now - LOOK_BACK, |looked_at| {
            // The oldest slot that was not overdue yet: by its precision, its second and the patience.
            let waited = core.rules.trigger_precision + TimeDelta::minutes(1) + TRIGGER_PATIENCE;
            looked_at.min(now) - waited - SLACK
        });
        let mut after = None;
        let mut failed = false;
        loop {
            let workspaces = core
                .store
                .polled_workspaces(from, after.as_ref(), PAGE)
                .await?;
            let Some(last) = workspaces.last() else {
                break;
            };
            after = Some(last.id.clone());
            for workspace in workspaces {
                let missed = missed_slots(
                    &workspace.timetable,
                    workspace.polled_since,
                    core.rules.trigger_precision,
                    &workspace.recorded,
                    from,
                    now,
                );
                if missed.is_empty() {
                    continue;
                }
                if let Err(error) = record_missed(core, &workspace.id, from).await {
                    if error.is_unavailable() {
                        return Err(error);
                    }
                    failed = true;
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(workspace_id = %workspace.id, error, "missed slots could not be recorded");
                }
            }
        }
        if !failed {
            self.looked_at = Some(now);
        }
        Ok(())
    }
}

/// Records the missed slots of one workspace, decided again under the fence: a workspace that is no longer core's
/// to poll has missed nothing.
async fn record_missed(
    core: &Core,
    id: &WorkspaceId,
    from: DateTime<Utc>,
) -> Result<(), StorageError> {
    let now = core.clock.now();
    let mut uow = core.store.begin(id, Fence::Shared).await?;
    let Some(record) = uow.workspace().await? else {
        return Ok(());
    };
    let Some(polled_since) = record.workspace.polled_since() else {
        return Ok(());
    };
    let timetable = record.workspace.timetable();
    let precision = core.rules.trigger_precision;
    let recorded = uow.recorded_slots(from, now).await?;
    let slots = recorded.iter().map(|record| record.slot).collect();
    let missed = missed_slots(&timetable, polled_since, precision, &slots, from, now);
    let recover = slot_to_recover(&missed, &recorded);
    let rows: Vec<MissedSlot> = missed
        .iter()
        .map(|slot| MissedSlot {
            cycle_id: CycleId(core.ids.next(now)),
            slot: *slot,
            due_at: timetable.due_at(*slot, precision),
        })
        .collect();
    let trace_id = core.ids.next(now).simple().to_string();
    let written = uow.record_missed(&rows, recover, &trace_id, now).await?;
    let recovered = rows
        .iter()
        .find(|row| recover == Some(row.slot) && written.contains(&row.slot));
    if let Some(row) = recovered {
        let cycle = NewCycle {
            cycle_id: row.cycle_id,
            trigger: CycleTrigger::Recovery,
            status: CycleStatus::Queued,
            reason: None,
            scheduled_time: Some(row.slot),
            due_at: row.due_at,
            trace_id: Some(&trace_id),
            fired_by: [None; 3],
        };
        let author = Author {
            id: "bf-manage-core",
            trace_id: Some(&trace_id),
        };
        core.append_triggered(&mut uow, author, &cycle).await?;
    }
    uow.commit().await?;
    if !written.is_empty() {
        let missed = u64::try_from(written.len()).unwrap_or(u64::MAX);
        metrics::cycles_ended(CycleStatus::Missed.as_str(), missed);
        tracing::warn!(
            workspace_id = %id,
            missed = written.len(),
            recovered = recovered.map(|row| tracing::field::display(row.slot)),
            "slots had no trigger"
        );
    }
    Ok(())
}
