//! A device, as answers show it.

use chrono::{DateTime, Utc};
use domain::fleet::Device;
use domain::ids::{DeviceId, ExternalId, ProviderId, VehicleId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// One configured device.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceView {
    #[schema(value_type = schema::DeviceId)]
    device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    #[schema(value_type = schema::ExternalId)]
    external_id: ExternalId,
    active: bool,
    configured_at: DateTime<Utc>,
    /// When the device was last activated. Its values and its version count from then on.
    activated_at: DateTime<Utc>,
}

pub(super) fn render_device(device: &Device) -> DeviceView {
    DeviceView {
        device_id: device.id.clone(),
        vehicle_id: device.spec.vehicle_id.clone(),
        provider_id: device.spec.provider_id.clone(),
        external_id: device.spec.external_id.clone(),
        active: device.active,
        configured_at: device.configured_at,
        activated_at: device.activated_at,
    }
}
