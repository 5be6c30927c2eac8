//! How a policy is shown.

use chrono::{DateTime, Utc};
use persistence::WorkspaceRecord;
use serde::Serialize;
use utoipa::ToSchema;

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
    schedule: AppliedSchedule,
}

/// The workspace's schedule at the scheduler.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppliedSchedule {
    /// `applied`, `pending` or `error`.
    #[schema(example = "applied")]
    state: &'static str,
    #[schema(example = "cron(3/5 * * * ? *)")]
    expression: String,
    #[schema(required)]
    applied_at: Option<DateTime<Utc>>,
}

pub(super) fn policy_view(record: &WorkspaceRecord, schedules_applied: bool) -> PolicyView {
    let policy = record.workspace.policy;
    PolicyView {
        poll_interval_minutes: policy.poll_interval.minutes(),
        stale_threshold_minutes: policy.stale_threshold_minutes,
        no_data_grace_minutes: policy.no_data_grace_minutes,
        version: record.policy.version,
        schedule: AppliedSchedule {
            state: if schedules_applied {
                "applied"
            } else {
                "pending"
            },
            expression: record.workspace.schedule().expression(),
            applied_at: schedules_applied.then_some(record.policy.changed_at),
        },
    }
}
