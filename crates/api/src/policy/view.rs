//! A policy, as answers show it.

use application::queries::ScheduleStatus;
use chrono::{DateTime, Utc};
use domain::fleet::WorkspaceRecord;
use domain::schedules::ScheduleState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// A policy, and the state of its schedule at the scheduler.
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyView {
    #[schema(example = 5)]
    poll_interval_minutes: u32,
    #[schema(example = 15)]
    stale_threshold_minutes: u32,
    #[schema(example = 60)]
    no_data_grace_minutes: u32,
    #[schema(example = 7)]
    version: i64,
    schedule: ScheduleView,
}

/// The schedule of a workspace at the scheduler. An inactive workspace has none there.
#[derive(Serialize, ToSchema)]
#[schema(as = AppliedSchedule)]
pub(crate) struct ScheduleView {
    #[schema(value_type = schema::ScheduleState)]
    state: ScheduleState,
    /// When the schedule fires, in UTC.
    #[schema(example = "cron(3/5 * * * ? *)")]
    expression: String,
    /// When the scheduler confirmed the schedule; `null` until then.
    #[schema(required)]
    applied_at: Option<DateTime<Utc>>,
}

pub(super) fn render_policy(record: &WorkspaceRecord, schedule: &ScheduleStatus) -> PolicyView {
    let policy = record.workspace.policy;
    PolicyView {
        poll_interval_minutes: policy.poll_interval.minutes(),
        stale_threshold_minutes: policy.stale_threshold_minutes,
        no_data_grace_minutes: policy.no_data_grace_minutes,
        version: record.policy.version,
        schedule: ScheduleView {
            state: schedule.state,
            applied_at: schedule.applied_at,
            expression: schedule.expression.to_string(),
        },
    }
}
