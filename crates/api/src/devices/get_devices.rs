//! `GET /workspaces/{workspace_id}/devices[/{device_id}]`

use application::queries;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::DeviceFilter;
use domain::ids::{DeviceId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{DeviceView, render_device};
use crate::problem::Problem;
use crate::request::{
    ListName, NoQuery, PageParameters, Paged, Path1, Path2, Query, query_parameters,
    respond_with_etag,
};
use crate::state::SharedState;

query_parameters! {
    /// The filter of `GET …/devices`.
    pub(crate) struct DeviceParameters {
        /// With `true`, only active devices; with `false`, only deactivated ones.
        active: bool,
    }
}

/// A page of devices, in order of id.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    devices: Vec<DeviceView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the devices of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices", tag = "devices",
    params(DeviceParameters, PageParameters),
    responses((status = 200, body = DeviceList)),
)]
pub(crate) async fn list_devices(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(DeviceParameters, PageParameters)>,
) -> Result<Json<DeviceList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let filter = DeviceFilter {
        active: parameters.active,
        vehicle_id: None,
    };
    let page = queries::list_devices(&state.core, &workspace_id, &filter, paged.request()).await?;
    let (devices, next_cursor) = paged.render(page, |device| render_device(&device));
    Ok(Json(DeviceList {
        devices,
        next_cursor,
    }))
}

/// Returns one device.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}", tag = "devices",
    responses((status = 200, body = DeviceView)),
)]
pub(crate) async fn get_device(
    State(state): SharedState,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let device = queries::get_device(&state.core, &workspace_id, &device_id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        device.version,
        render_device(&device),
    ))
}
