//! The application of one workspace's schedule: the scheduler is told what the database wants.

use std::error::Error;
use std::time::Duration;

use domain::ids::{ClaimToken, WorkspaceId};
use domain::schedules::{ScheduleName, WorkspaceSchedule};
use persistence::StorageError;
use scheduling::{Scheduler, SchedulerError};

use crate::Core;

/// How long a claim on a workspace's schedule lasts: longer than the calls to the scheduler may take.
const CLAIM: Duration = Duration::from_secs(30);

/// The reason for which a schedule was not applied. Each of them is retried.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The scheduler returned an error.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Applies a workspace's schedule: claims it, reads what is wanted, tells the scheduler, and records what the scheduler
/// confirmed. Returns `false` if another instance has claimed the schedule, or if the claim was lost meanwhile.
///
/// # Errors
/// [`ApplyError`]. A failure of the scheduler is recorded, and delays the next attempt.
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
        // The claim was lost: another instance may have told the scheduler something else meanwhile.
        core.store
            .mark_schedule_unknown(workspace_id, claim)
            .await?;
    }
    Ok(recorded)
}

impl ApplyError {
    /// Returns whether the scheduler asks for fewer requests, for whichever workspace.
    pub(crate) const fn is_throttling(&self) -> bool {
        matches!(self, Self::Scheduler(SchedulerError::Throttled(_)))
    }

    /// Logs the failure: as an error if somebody must act, else as a warning.
    pub(crate) fn log(&self, workspace_id: &WorkspaceId) {
        let error = self as &dyn Error;
        if matches!(self, Self::Scheduler(SchedulerError::Refused { .. })) {
            tracing::error!(%workspace_id, error, "the scheduler refused a workspace's schedule: check the scheduler's settings and permissions");
        } else {
            tracing::warn!(%workspace_id, error, "a workspace's schedule could not be applied: the next round retries");
        }
    }
}
