//! The query that loads a workspace's policy and the state of the schedule that follows from it.

use chrono::{DateTime, Utc};
use domain::fleet::{Workspace, WorkspaceRecord};
use domain::ids::WorkspaceId;
use domain::schedules::{AppliedSchedule, CronExpression, ScheduleState};

use super::get_workspace;
use crate::Core;
use crate::queries::QueryError;

/// A workspace's policy, with the schedule that follows from it.
#[derive(Clone, Debug)]
pub struct WorkspacePolicy {
    /// The workspace that the policy belongs to.
    pub record: WorkspaceRecord,
    /// The workspace's schedule at the scheduler.
    pub schedule: ScheduleStatus,
}

/// A workspace's schedule at the scheduler: one while the workspace is active, none otherwise.
#[derive(Clone, Debug)]
pub struct ScheduleStatus {
    /// When the schedule fires, in UTC.
    pub expression: CronExpression,
    /// Whether the scheduler has confirmed what is wanted.
    pub state: ScheduleState,
    /// The instant at which the scheduler confirmed what is wanted; `None` while it has not.
    pub applied_at: Option<DateTime<Utc>>,
}

impl ScheduleStatus {
    /// Compares what is recorded of a workspace's schedule with what is wanted.
    pub fn compare(workspace: &Workspace, applied: &AppliedSchedule) -> Self {
        let expression = CronExpression::of(workspace.schedule());
        let wanted = workspace.active.then_some(&expression);
        Self {
            state: applied.state(wanted),
            applied_at: applied.applied_at(wanted),
            expression,
        }
    }
}

/// Loads a workspace's policy and the state of its schedule.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_policy(core: &Core, id: &WorkspaceId) -> Result<WorkspacePolicy, QueryError> {
    let record = get_workspace(core, id).await?;
    let applied = get_applied_schedule(core, id).await?;
    let schedule = ScheduleStatus::compare(&record.workspace, &applied);
    Ok(WorkspacePolicy { record, schedule })
}

/// Loads what is recorded of a workspace's schedule at the scheduler.
///
/// # Errors
/// [`QueryError::Storage`].
pub async fn get_applied_schedule(
    core: &Core,
    id: &WorkspaceId,
) -> Result<AppliedSchedule, QueryError> {
    Ok(core.store.applied_schedule(id).await?)
}
