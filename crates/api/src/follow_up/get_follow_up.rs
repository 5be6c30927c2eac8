//! `GET /workspaces/{workspace_id}/devices/{device_id}/follow-up`

use application::queries;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{DeviceId, WorkspaceId};

use super::view::FollowUpView;
use crate::problem::Problem;
use crate::request::{NoQuery, Path2, respond_with_etag};
use crate::state::SharedState;

/// Returns the follow-up of a device's current silence. Once the device reports again, the follow-up is empty; the
/// earlier one stays in the history.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up", tag = "worklist",
    responses((status = 200, body = FollowUpView)),
)]
pub(crate) async fn get_follow_up(
    State(state): SharedState,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let device = queries::get_follow_up(&state.core, &workspace_id, &device_id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        device.version(),
        FollowUpView::render(device.current()),
    ))
}
