//! Devices: telematics units that are fitted to vehicles.

use chrono::{DateTime, Utc};

use crate::ids::{ActivationId, DeviceId, ExternalId, ProviderId, VehicleId};

/// The configuration of a device. Any change of it starts a new activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// The vehicle that the device is fitted to.
    pub vehicle_id: VehicleId,
    /// The connection that the device speaks through.
    pub provider_id: ProviderId,
    /// The device's name at the provider; unique among the active devices of the connection.
    pub external_id: ExternalId,
}

/// A configured device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's id within the workspace.
    pub id: DeviceId,
    /// The vehicle, the connection and the external id.
    pub spec: DeviceSpec,
    /// Whether the device is active. A deactivated device keeps its history and has no health.
    pub active: bool,
    /// The instant at which the device was first configured here.
    pub configured_at: DateTime<Utc>,
    /// The instant at which the latest activation began.
    pub activated_at: DateTime<Utc>,
    /// The latest activation. What is held of the device belongs to this activation only.
    pub activation_id: ActivationId,
    /// The number of changes of the device.
    pub version: i64,
}

/// A filter of a workspace's devices; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceFilter {
    /// Only active devices, or only deactivated ones.
    pub active: Option<bool>,
    /// Only devices that are fitted to this vehicle.
    pub vehicle_id: Option<VehicleId>,
}
