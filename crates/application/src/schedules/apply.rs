//! Bringing one workspace's schedule in line.

use std::error::Error;
use std::time::Duration;

use domain::ids::{ClaimToken, WorkspaceId};
use domain::schedules::{ScheduleName, WorkspaceSchedule};
use persistence::StorageError;
use scheduling::{Scheduler, SchedulerError};

use crate::Core;

/// How long nobody else tells the scheduler of this workspace: longer than its calls may take.
const CLAIM: Duration = Duration::from_secs(30);

/// Why a schedule was not brought in line; it is begun again in any case.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The scheduler did not do as it was told.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Claims the workspace's schedule, reads what is wanted, tells the scheduler, records what it
/// confirmed. `false` when somebody else is at it.
///
/// # Errors
/// [`ApplyError`]; that the scheduler failed is recorded, and the next attempt waits a while.
pub async fn apply_schedule(
    core: &Core,
    scheduler: &dyn Scheduler,
    workspace_id: &WorkspaceId,
) -> Result<bool, ApplyError> {
    let claim = ClaimToken(core.ids.next(core.clock.now()));
    if !core
        .store
        .claim_schedule(workspace_id, claim, CLAIM)
        .await?
    {
        return Ok(false);
    }
    let Some(record) = core.store.workspace(workspace_id).await? else {
        return Ok(false);
    };
    let workspace = record.workspace;
    let wanted = workspace
        .active
        .then(|| WorkspaceSchedule::of(workspace_id, workspace.schedule()));
    let told = if let Some(schedule) = &wanted {
        scheduler.put(schedule, claim.0).await
    } else {
        let name = ScheduleName::of(workspace_id);
        scheduler.remove(&name, claim.0).await
    };
    if let Err(error) = told {
        core.store
            .record_failed_schedule(workspace_id, claim, &error.to_string())
            .await?;
        return Err(error.into());
    }
    let applied = wanted
        .as_ref()
        .map(|schedule| (schedule.schedule.interval(), &schedule.expression));
    let now = core.clock.now();
    let recorded = core
        .store
        .record_applied_schedule(workspace_id, claim, applied, now)
        .await?;
    if recorded {
        tracing::info!(
            %workspace_id,
            expression = applied.map(|(_, expression)| expression.as_str()),
            "schedule applied"
        );
    } else {
        core.store
            .mark_schedule_unknown(workspace_id, claim)
            .await?;
    }
    Ok(recorded)
}

impl ApplyError {
    /// Whether the scheduler asks for a pause, whichever workspace it is told of.
    pub(crate) const fn is_throttling(&self) -> bool {
        matches!(self, Self::Scheduler(SchedulerError::Throttled(_)))
    }

    /// Logs it: as an error where somebody must act, else as a warning.
    pub(crate) fn log(&self, workspace_id: &WorkspaceId) {
        let error = self as &dyn Error;
        if matches!(self, Self::Scheduler(SchedulerError::Refused { .. })) {
            tracing::error!(%workspace_id, error, "the schedule was refused");
        } else {
            tracing::warn!(%workspace_id, error, "the schedule could not be applied");
        }
    }
}
