//! `GET /workspaces/{workspace_id}/vehicles/{vehicle_id}/snapshot`

use application::queries;
use axum::Json;
use axum::extract::State;
use domain::ids::{VehicleId, WorkspaceId};

use super::view::{VehicleSnapshotView, vehicle_view};
use crate::problem::Problem;
use crate::request::{NoQuery, Path2};
use crate::state::SharedState;

/// Shows a vehicle's values: of each signal the newest among its devices, naming the device.
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
    Ok(Json(vehicle_view(&vehicle)))
}
