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

use super::view::{PolicyView, render_policy};
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path1, respond_with_etag};
use crate::state::SharedState;

/// The new policy. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutPolicy {
    #[schema(value_type = schema::PollIntervalMinutes)]
    poll_interval_minutes: i64,
    /// The age from which a device is stale: 6 to 1440 minutes, and above the poll interval.
    #[schema(minimum = 6, maximum = 1440, example = 15)]
    stale_threshold_minutes: i64,
    /// The time that a new device may take until its first data: 5 to 10080 minutes.
    #[schema(minimum = 5, maximum = 10_080, example = 60)]
    no_data_grace_minutes: i64,
    #[serde(default, rename = "version")]
    #[schema(value_type = schema::Ignored)]
    _version: IgnoredAny,
    #[serde(default, rename = "schedule")]
    #[schema(value_type = schema::Ignored)]
    _schedule: IgnoredAny,
}

/// Changes the poll interval and the thresholds of a workspace.
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
    // Read before the change: compared with it, the changed schedule counts as pending.
    let applied = get_applied_schedule(&state.core, &id).await?;
    let render = |record: &WorkspaceRecord| {
        render_policy(
            record,
            &ScheduleStatus::compare(&record.workspace, &applied),
        )
    };
    let changed = change_policy(&state.core, caller.author(), &id, policy, &precondition).await;
    let record = changed.map_err(|error| Problem::of_change(error, render))?;
    state.wake_applier();
    Ok(respond_with_etag(
        StatusCode::OK,
        record.policy.version,
        render(&record),
    ))
}
