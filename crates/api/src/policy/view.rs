//! How a policy is shown.

use application::queries::ScheduleStatus;
use chrono::{DateTime, Utc};
use domain::fleet::WorkspaceRecord;
use domain::schedules::ScheduleState;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// A policy, and how its schedule stands with the scheduler.
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

/// The workspace's schedule at the scheduler: one while it is active, none otherwise.
#[derive(Serialize, ToSchema)]
#[schema(as = AppliedSchedule)]
pub(crate) struct ScheduleView {
    #[schema(value_type = schema::ScheduleState)]
    state: ScheduleState,
    /// When it fires, in UTC.
    #[schema(example = "cron(3/5 * * * ? *)")]
    expression: String,
    /// When the scheduler confirmed it; null while it has not.
    #[schema(required)]
    applied_at: Option<DateTime<Utc>>,
}

pub(super) fn policy_view(record: &WorkspaceRecord, schedule: ScheduleStatus) -> PolicyView {
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
