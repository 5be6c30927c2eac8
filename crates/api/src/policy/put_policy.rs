//! `PUT /workspaces/{workspace_id}/policy`

use application::commands::change_policy;
use application::queries::{ScheduleStatus, get_applied_schedule};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::{Policy, WorkspaceRecord};
use domain::ids::WorkspaceId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::{PolicyView, policy_view};
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path1, respond_with_etag};
use crate::state::SharedState;

/// A policy as it is to be. Members of the answer's form are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutPolicy {
    #[schema(value_type = schema::PollIntervalMinutes)]
    poll_interval_minutes: i64,
    /// 6 to 1440, above the interval.
    #[schema(minimum = 6, maximum = 1440, example = 15)]
    stale_threshold_minutes: i64,
    /// 5 to 10080.
    #[schema(minimum = 5, maximum = 10_080, example = 60)]
    no_data_grace_minutes: i64,
    #[serde(default, rename = "version")]
    #[schema(value_type = schema::Ignored)]
    _version: IgnoredAny,
    #[serde(default, rename = "schedule")]
    #[schema(value_type = schema::Ignored)]
    _schedule: IgnoredAny,
}

/// Changes a workspace's cadence and thresholds.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}/policy", tag = "policy",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutPolicy,
    responses((status = 200, body = PolicyView)),
)]
pub(crate) async fn put_policy(
    State(state): SharedState,
    caller: Caller,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutPolicy>,
) -> Result<Response, Problem> {
    let policy = Policy::try_new(
        body.poll_interval_minutes,
        body.stale_threshold_minutes,
        body.no_data_grace_minutes,
    )
    .map_err(|wrong| {
        Problem::invalid(
            wrong
                .iter()
                .map(|wrong| FieldError::pointer(format!("/{}", wrong.member()), wrong.to_string()))
                .collect(),
        )
    })?;
    // As it stood before: what changes now is pending, whatever it was.
    let applied = get_applied_schedule(&state.core, &id).await?;
    let show = |record: &WorkspaceRecord| {
        policy_view(record, ScheduleStatus::compare(&record.workspace, &applied))
    };
    let changed = change_policy(&state.core, caller.author(), &id, policy, &precondition).await;
    let record = changed.map_err(|error| Problem::of_change(error, show))?;
    state.wake_applier();
    Ok(respond_with_etag(
        StatusCode::OK,
        record.policy.version,
        show(&record),
    ))
}
