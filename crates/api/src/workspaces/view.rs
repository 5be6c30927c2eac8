//! A workspace, as answers show it.

use application::Core;
use chrono::{DateTime, Utc};
use domain::fleet::{WorkspaceName, WorkspaceRecord};
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// One workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkspaceView {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    #[schema(value_type = schema::WorkspaceName)]
    name: WorkspaceName,
    active: bool,
    created_at: DateTime<Utc>,
    schedule: ScheduleView,
}

/// The times at which a workspace is polled.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleView {
    #[schema(example = 300)]
    interval_seconds: u32,
    /// The offset of the polls within the interval.
    #[schema(example = 185)]
    offset_seconds: u32,
    next_due_at: DateTime<Utc>,
}

pub(super) fn render_workspace(core: &Core, record: &WorkspaceRecord) -> WorkspaceView {
    let workspace = &record.workspace;
    let schedule = workspace.schedule();
    WorkspaceView {
        workspace_id: workspace.id.clone(),
        name: workspace.name.clone(),
        active: workspace.active,
        created_at: workspace.created_at,
        schedule: ScheduleView {
            interval_seconds: schedule.interval().seconds(),
            offset_seconds: schedule.offset_seconds(),
            next_due_at: workspace
                .timetable()
                .next_due_at(core.clock.now(), core.rules.trigger_precision),
        },
    }
}
