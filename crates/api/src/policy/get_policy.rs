//! `GET /workspaces/{workspace_id}/policy`

use application::queries;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::WorkspaceId;

use super::view::{PolicyView, render_policy};
use crate::problem::Problem;
use crate::request::{NoQuery, Path1, respond_with_etag};
use crate::state::SharedState;

/// Returns the policy of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/policy", tag = "policy",
    responses((status = 200, body = PolicyView)),
)]
pub(crate) async fn get_policy(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let policy = queries::get_policy(&state.core, &id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        policy.record.policy.version,
        render_policy(&policy.record, &policy.schedule),
    ))
}
