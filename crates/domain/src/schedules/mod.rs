//! A workspace's schedule as EventBridge Scheduler is told it: name, expression and input, each valid
//! by its own type, because emulators accept anything and the service refuses late.

mod expression;
mod input;
mod name;
mod standing;

pub use expression::{CronExpression, InvalidExpression};
pub use input::{InvalidInput, ScheduleInput};
pub use name::{InvalidName, ScheduleName};
pub use standing::{AppliedSchedule, ScheduleState};

use crate::ids::WorkspaceId;
use crate::polling::Schedule;

/// The schedule that an active workspace is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceSchedule {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Cadence and offset.
    pub schedule: Schedule,
    /// What it is called within its group.
    pub name: ScheduleName,
    /// When it fires.
    pub expression: CronExpression,
    /// What it sends.
    pub input: ScheduleInput,
}

impl WorkspaceSchedule {
    /// The schedule of a workspace.
    pub fn of(workspace_id: &WorkspaceId, schedule: Schedule) -> Self {
        Self {
            workspace_id: workspace_id.clone(),
            schedule,
            name: ScheduleName::of(workspace_id),
            expression: CronExpression::of(schedule),
            input: ScheduleInput::of(workspace_id),
        }
    }
}
