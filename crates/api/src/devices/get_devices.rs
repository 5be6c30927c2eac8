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

use super::view::{DeviceView, device_view};
use crate::problem::Problem;
use crate::request::{
    ListName, NoQuery, PageQuery, Paged, Params, Path1, Path2, Query, QueryParams, tagged,
};
use crate::state::SharedState;

/// A list's filter and cut.
pub(crate) struct DevicesQuery {
    filter: DeviceFilter,
    page: PageQuery,
}

impl QueryParams for DevicesQuery {
    fn read(params: &mut Params) -> Self {
        Self {
            filter: DeviceFilter {
                active: params.flag("active"),
                vehicle_id: None,
            },
            page: PageQuery::read(params),
        }
    }
}

/// Devices in order of id.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceList {
    devices: Vec<DeviceView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists a workspace's devices.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices", tag = "devices",
    params(("active" = Option<bool>, Query), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = DeviceList)),
)]
pub(crate) async fn list_devices(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(query): Query<DevicesQuery>,
) -> Result<Json<DeviceList>, Problem> {
    let paged = Paged::try_new(list, query.page, state.core.clock.now())?;
    let page =
        queries::list_devices(&state.core, &workspace_id, &query.filter, paged.request()).await?;
    let (devices, next_cursor) = paged.show(page, |device| device_view(&device));
    Ok(Json(DeviceList {
        devices,
        next_cursor,
    }))
}

/// Shows one device.
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
    Ok(tagged(StatusCode::OK, device.version, device_view(&device)))
}
