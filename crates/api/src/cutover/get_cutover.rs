//! `GET /workspaces/{workspace_id}/cutover`

use application::queries::get_workspace;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::WorkspaceId;

use super::view::{CutoverView, render_cutover};
use crate::problem::Problem;
use crate::request::{NoQuery, Path1, respond_with_etag};
use crate::state::SharedState;

/// Returns the cutover flags of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover", tag = "cutover",
    responses((status = 200, body = CutoverView)),
)]
pub(crate) async fn get_cutover(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let record = get_workspace(&state.core, &id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        record.cutover.version,
        render_cutover(&record),
    ))
}
