//! `DELETE /workspaces/{workspace_id}/provider-connections/{provider_id}`

use application::commands::remove_connection;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{ProviderId, WorkspaceId};

use super::view::render_connection;
use crate::access::Caller;
use crate::problem::Problem;
use crate::request::{IfMatch, NoQuery, Path2};
use crate::state::SharedState;

/// Removes a connection that no active device uses.
#[utoipa::path(
    delete, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}", tag = "provider connections",
    params(("If-Match" = Option<String>, Header)),
    extensions(("x-problems" = json!(["conflict"]))),
    responses((status = 204, description = "removed"), (status = 409, description = "active devices use the connection")),
)]
pub(crate) async fn delete_connection(
    State(state): SharedState,
    caller: Caller,
    Path2(workspace_id, provider_id): Path2<WorkspaceId, ProviderId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
) -> Result<StatusCode, Problem> {
    let removed = remove_connection(
        &state.core,
        caller.author(),
        &workspace_id,
        &provider_id,
        &precondition,
    )
    .await;
    removed.map_err(|error| Problem::of_change(error, render_connection))?;
    Ok(StatusCode::NO_CONTENT)
}
