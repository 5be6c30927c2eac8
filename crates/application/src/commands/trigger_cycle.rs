//! The command that records a trigger of a poll cycle. Whether the cycle is queued, skipped or expired, the trigger
//! leaves one row and is answered at once.

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::{
    CycleStatus, CycleTrigger, TriggerDecision, TriggerFacts, decide_trigger, slot_key,
};
use persistence::polling::{ClosedCycle, NewCycle, RecordedTrigger};
use persistence::{Fence, StorageError, UnitOfWork};
use serde_json::json;
use telemetry::metrics;

use crate::audit::Change;
use crate::polling::report_closed_cycles;
use crate::{Author, Core};

/// The content of a trigger.
#[derive(Clone, Copy, Debug, Default)]
pub struct CycleRequest<'a> {
    /// The slot of the schedule; `None` requests a manual cycle now.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The ARN of the EventBridge schedule that fired.
    pub schedule_arn: Option<&'a str>,
    /// The id of the EventBridge invocation.
    pub execution_id: Option<&'a str>,
    /// The number of the EventBridge attempt.
    pub attempt: Option<&'a str>,
}

/// The outcome of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerOutcome {
    /// A cycle was recorded and will be run.
    Queued,
    /// The slot has a cycle already, or a manual cycle is waiting already.
    Duplicate,
    /// A cycle was recorded and will not be run.
    Skipped,
    /// A cycle was recorded, but it is too late to run it.
    Expired,
}

/// The answer to a trigger: its outcome, and the cycle that it recorded or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerAnswer {
    /// The outcome of the trigger.
    pub outcome: TriggerOutcome,
    /// The reason for which the cycle was skipped or expired.
    pub reason: Option<&'static str>,
    /// The cycle that the trigger recorded, or that was there already.
    pub cycle_id: CycleId,
    /// The status of the cycle.
    pub status: CycleStatus,
    /// The slot that the trigger names.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The instant at which the cycle is due.
    pub due_at: DateTime<Utc>,
}

/// Records a trigger, and queues its cycle if the workspace is to be polled. Returns `None` if the workspace does not
/// exist.
///
/// # Errors
/// [`StorageError`] if the store fails.
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
    if let Some(found) = uow.recorded_trigger(slot).await? {
        return Ok(Some(answer_duplicate(&found, slot)));
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
        return Ok(Some(answer_duplicate(&recorded, slot)));
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
    /// Appends the event that a cycle was queued. Only a manual cycle names its author and so is listed by the audit:
    /// the cycles of the schedule would be most of the list.
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

/// Answers a trigger whose cycle was there already.
fn answer_duplicate(found: &RecordedTrigger, slot: Option<DateTime<Utc>>) -> TriggerAnswer {
    TriggerAnswer {
        outcome: TriggerOutcome::Duplicate,
        reason: None,
        cycle_id: found.cycle_id,
        status: found.status,
        scheduled_time: slot,
        due_at: found.due_at,
    }
}
