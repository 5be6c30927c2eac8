//! The schedule of a workspace as EventBridge Scheduler receives it. Name and expression are each checked by a
//! type of their own, because emulators accept anything and the service refuses late.

mod applied;
mod expression;
mod name;

pub use applied::{AppliedSchedule, ScheduleState};
pub use expression::{CronExpression, InvalidExpression};
pub use name::{InvalidScheduleName, ScheduleName};

use crate::ids::WorkspaceId;
use crate::polling::Schedule;

/// The schedule that an active workspace is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSchedule {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The cadence and the offset.
    pub schedule: Schedule,
    /// The name of the schedule within its group.
    pub name: ScheduleName,
    /// The cron expression by which it fires.
    pub expression: CronExpression,
}

impl WorkspaceSchedule {
    /// Returns the schedule of a workspace.
    pub fn of(workspace_id: &WorkspaceId, schedule: Schedule) -> Self {
        Self {
            workspace_id: workspace_id.clone(),
            schedule,
            name: ScheduleName::of(workspace_id),
            expression: CronExpression::of(schedule),
        }
    }
}
