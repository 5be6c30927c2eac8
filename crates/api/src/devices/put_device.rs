//! `PUT /workspaces/{workspace_id}/devices/{device_id}`

use application::commands;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::DeviceSpec;
use domain::ids::{DeviceId, ExternalId, ProviderId, VehicleId, WorkspaceId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::{DeviceView, render_device};
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{IfMatch, JsonBody, NoQuery, Path2, respond_with_etag};
use crate::state::SharedState;

/// The new state of a device. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutDevice {
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    #[schema(value_type = schema::ExternalId)]
    external_id: ExternalId,
    #[serde(default, rename = "device_id")]
    #[schema(value_type = schema::Ignored)]
    _device_id: IgnoredAny,
    #[serde(default, rename = "active")]
    #[schema(value_type = schema::Ignored)]
    _active: IgnoredAny,
    #[serde(default, rename = "configured_at")]
    #[schema(value_type = schema::Ignored)]
    _configured_at: IgnoredAny,
    #[serde(default, rename = "activated_at")]
    #[schema(value_type = schema::Ignored)]
    _activated_at: IgnoredAny,
}

/// Configures a device, or activates it again. A change clears its snapshot.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}", tag = "devices",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutDevice,
    extensions(("x-problems" = json!(["conflict", "registry-owned-by-legacy"]))),
    responses(
        (status = 200, body = DeviceView), (status = 201, body = DeviceView),
        (status = 409, description = "unknown connection, external id taken, or the legacy service owns the registry"),
    ),
)]
pub(crate) async fn put_device(
    State(state): SharedState,
    caller: Caller,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutDevice>,
) -> Result<Response, Problem> {
    let spec = DeviceSpec {
        vehicle_id: body.vehicle_id,
        provider_id: body.provider_id,
        external_id: body.external_id,
    };
    let put = commands::put_device(
        &state.core,
        caller.author(),
        &workspace_id,
        &device_id,
        spec,
        &precondition,
    )
    .await;
    let (device, created) = put.map_err(|error| Problem::of_change(error, render_device))?;
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(respond_with_etag(
        status,
        device.version,
        render_device(&device),
    ))
}
