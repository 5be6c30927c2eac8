//! `GET /workspaces/{workspace_id}/unknown-devices`

use application::queries;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::acceptance::KeptRejection;
use domain::ids::{DeviceId, ExternalId, ProviderId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Query, query_parameters};
use crate::state::SharedState;

query_parameters! {
    /// The filter of `GET …/unknown-devices`.
    pub(crate) struct UnknownDeviceParameters {
        /// Only devices at this connection.
        provider: ProviderId,
    }
}

/// A page of devices that updates name and nobody has configured. A device leaves the list when it is configured.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnknownDeviceList {
    unknown_devices: Vec<UnknownDeviceView>,
    #[schema(required)]
    next_cursor: Option<String>,
}

/// An unknown device as updates name it: by connection and external id, by our device id, or by both. The 1,000
/// last seen of each connection are kept.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnknownDeviceView {
    #[schema(required, value_type = Option<schema::ProviderId>)]
    provider_id: Option<ProviderId>,
    #[schema(required, value_type = Option<schema::ExternalId>)]
    external_id: Option<ExternalId>,
    #[schema(required, value_type = Option<schema::DeviceId>, example = json!(null))]
    device_id: Option<DeviceId>,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    /// The number of updates of this device that were rejected.
    #[schema(example = 288)]
    count: i64,
}

/// Lists unknown devices, in order of connection and name.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/unknown-devices", tag = "rejections",
    params(UnknownDeviceParameters, PageParameters),
    responses((status = 200, body = UnknownDeviceList)),
)]
pub(crate) async fn list_unknown_devices(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(UnknownDeviceParameters, PageParameters)>,
) -> Result<Json<UnknownDeviceList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = queries::list_unknown_devices(
        &state.core,
        &workspace_id,
        parameters.provider,
        paged.request(),
    )
    .await?;
    let (unknown_devices, next_cursor) = paged.render(page, render_unknown_device);
    Ok(Json(UnknownDeviceList {
        unknown_devices,
        next_cursor,
    }))
}

fn render_unknown_device(kept: KeptRejection) -> UnknownDeviceView {
    UnknownDeviceView {
        provider_id: kept.key.provider_id,
        external_id: kept.key.external_id,
        device_id: kept.key.device_id,
        first_seen_at: kept.first_seen_at,
        last_seen_at: kept.last_seen_at,
        count: kept.count,
    }
}
