//! `GET /workspaces/{workspace_id}/vehicles/{vehicle_id}/snapshot`

use application::queries;
use axum::Json;
use axum::extract::State;
use domain::ids::{VehicleId, WorkspaceId};

use super::view::{VehicleSnapshotView, render_vehicle_snapshot};
use crate::problem::Problem;
use crate::request::{NoQuery, Path2};
use crate::state::SharedState;

/// Returns the values of a vehicle: for each signal the newest among its devices, with the id of that device.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/vehicles/{vehicle_id}/snapshot", tag = "snapshots",
    extensions(("x-problems" = json!(["legacy-unavailable"]))),
    responses((status = 200, body = VehicleSnapshotView)),
)]
pub(crate) async fn get_vehicle_snapshot(
    State(state): SharedState,
    Path2(workspace_id, vehicle_id): Path2<WorkspaceId, VehicleId>,
    NoQuery: NoQuery,
) -> Result<Json<VehicleSnapshotView>, Problem> {
    let now = state.core.clock.now();
    let vehicle =
        queries::get_vehicle_snapshot(&state.core, &workspace_id, &vehicle_id, now).await?;
    Ok(Json(render_vehicle_snapshot(&vehicle)))
}
