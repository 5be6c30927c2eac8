//! Recording a trigger: whatever becomes of it, it leaves one row and an answer at once.

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::{
    CycleStatus, CycleTrigger, TriggerDecision, TriggerFacts, decide_trigger, slot_key,
};
use persistence::polling::{ClosedCycle, NewCycle};
use persistence::{Fence, StorageError, UnitOfWork};
use serde_json::json;
use telemetry::metrics;

use crate::audit::Change;
use crate::polling::report_closed_cycles;
use crate::{Author, Core};

/// What a trigger says.
#[derive(Clone, Copy, Debug, Default)]
pub struct CycleRequest<'a> {
    /// The slot; none asks for a cycle now.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// EventBridge's schedule.
    pub schedule_arn: Option<&'a str>,
    /// EventBridge's invocation.
    pub execution_id: Option<&'a str>,
    /// EventBridge's attempt.
    pub attempt: Option<&'a str>,
}

/// What became of a trigger, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerOutcome {
    /// To be run.
    Queued,
    /// The slot has its record, or a manual cycle waits already.
    Duplicate,
    /// Recorded, not to be run.
    Skipped,
    /// Recorded, too late to run.
    Expired,
}

/// What became of a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerAnswer {
    /// As a word.
    pub outcome: TriggerOutcome,
    /// Why it was not queued.
    pub reason: Option<&'static str>,
    /// The cycle that it made or met.
    pub cycle_id: CycleId,
    /// How far that has come.
    pub status: CycleStatus,
    /// The slot.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
}

/// Records a trigger; `None` when there is no such workspace.
///
/// # Errors
/// When the store fails.
pub async fn trigger_cycle(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    request: CycleRequest<'_>,
) -> Result<Option<TriggerAnswer>, StorageError> {
    let _measured = metrics::query("trigger_cycle");
    let now = core.clock.now();
    let slot = request.scheduled_time.map(slot_key);
    let mut uow = core.store.begin(id, Fence::Shared).await?;
    let Some(record) = uow.workspace().await? else {
        return Ok(None);
    };
    if let Some(met) = uow.recorded_trigger(slot).await? {
        return Ok(Some(duplicate(&met, slot)));
    }
    let facts = TriggerFacts {
        active: record.workspace.active,
        poll_owner: record.workspace.cutover.poll_owner,
        timetable: record.workspace.timetable(),
        precision: core.rules.trigger_precision,
    };
    let (outcome, status, reason, due_at) = match decide_trigger(facts, slot, now) {
        TriggerDecision::Queued { due_at } => {
            (TriggerOutcome::Queued, CycleStatus::Queued, None, due_at)
        }
        TriggerDecision::Skipped(reason) => (
            TriggerOutcome::Skipped,
            CycleStatus::Skipped,
            Some(reason.as_str()),
            slot.unwrap_or(now),
        ),
        TriggerDecision::Expired(reason) => (
            TriggerOutcome::Expired,
            CycleStatus::Expired,
            Some(reason.as_str()),
            slot.unwrap_or(now),
        ),
    };
    let cycle = NewCycle {
        cycle_id: CycleId(core.ids.next(now)),
        trigger: if slot.is_some() {
            CycleTrigger::Scheduled
        } else {
            CycleTrigger::Manual
        },
        status,
        reason,
        scheduled_time: slot,
        due_at,
        trace_id: author.trace_id,
        fired_by: [request.schedule_arn, request.execution_id, request.attempt],
    };
    let recorded = uow.record_trigger(&cycle, now).await?;
    if recorded.duplicate {
        return Ok(Some(duplicate(&recorded, slot)));
    }
    if outcome == TriggerOutcome::Queued {
        core.append_triggered(&mut uow, author, &cycle).await?;
    }
    let closed = status.is_terminal().then(|| ClosedCycle {
        cycle_id: cycle.cycle_id,
        status,
        reason: reason.map(str::to_owned),
        trace_id: author.trace_id.map(str::to_owned),
    });
    if closed.is_some() {
        core.append(
            &mut uow,
            EventType::WorkspacePollCycleClosed,
            None,
            Some(cycle.cycle_id),
            author.trace_id,
            json!({"status": status, "reason": reason}),
        )
        .await?;
    }
    uow.commit().await?;
    report_closed_cycles(id, closed.as_slice());
    Ok(Some(TriggerAnswer {
        outcome,
        reason,
        cycle_id: cycle.cycle_id,
        status,
        scheduled_time: slot,
        due_at,
    }))
}

impl Core {
    /// Appends what queued a cycle. What somebody asked for is the audit's; the schedule's own would be
    /// most of its list.
    pub(crate) async fn append_triggered(
        &self,
        uow: &mut UnitOfWork,
        author: Author<'_>,
        cycle: &NewCycle<'_>,
    ) -> Result<(), StorageError> {
        let event = EventType::WorkspacePollCycleTriggered;
        let payload = json!({
            "trigger": cycle.trigger,
            "scheduled_time": cycle.scheduled_time,
            "due_at": cycle.due_at,
            "triggered_by": author.id,
        });
        if cycle.trigger == CycleTrigger::Manual {
            let change = Change::new(event, payload).of_cycle(cycle.cycle_id);
            return self.record_change(uow, author, change).await;
        }
        self.append(
            uow,
            event,
            None,
            Some(cycle.cycle_id),
            author.trace_id,
            payload,
        )
        .await
    }
}

fn duplicate(
    met: &persistence::polling::RecordedTrigger,
    slot: Option<DateTime<Utc>>,
) -> TriggerAnswer {
    TriggerAnswer {
        outcome: TriggerOutcome::Duplicate,
        reason: None,
        cycle_id: met.cycle_id,
        status: met.status,
        scheduled_time: slot,
        due_at: met.due_at,
    }
}
