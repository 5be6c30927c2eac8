//! `DELETE /workspaces/{workspace_id}/devices/{device_id}`

use application::commands::deactivate_device;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{DeviceId, WorkspaceId};

use super::view::render_device;
use crate::access::Caller;
use crate::problem::Problem;
use crate::request::{IfMatch, NoQuery, Path2};
use crate::state::SharedState;

/// Deactivates a device. Its history is kept.
#[utoipa::path(
    delete, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}", tag = "devices",
    params(("If-Match" = Option<String>, Header)),
    extensions(("x-problems" = json!(["registry-owned-by-legacy"]))),
    responses((status = 204, description = "deactivated"), (status = 409, description = "the legacy service owns the registry")),
)]
pub(crate) async fn delete_device(
    State(state): SharedState,
    caller: Caller,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
) -> Result<StatusCode, Problem> {
    let deactivated = deactivate_device(
        &state.core,
        caller.author(),
        &workspace_id,
        &device_id,
        &precondition,
    )
    .await;
    deactivated.map_err(|error| Problem::of_change(error, render_device))?;
    Ok(StatusCode::NO_CONTENT)
}
