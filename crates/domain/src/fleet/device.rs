//! Devices: telematics units fitted to vehicles.

use chrono::{DateTime, Utc};

use crate::ids::{ActivationId, DeviceId, ExternalId, ProviderId, VehicleId};

/// What a device is configured to be. Any change of it starts a new activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSpec {
    /// The vehicle it is fitted to.
    pub vehicle_id: VehicleId,
    /// The connection it speaks through.
    pub provider_id: ProviderId,
    /// Its name at the provider; unique among the connection's active devices.
    pub external_id: ExternalId,
}

/// A configured device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id in the workspace.
    pub id: DeviceId,
    /// Vehicle, connection and external id.
    pub spec: DeviceSpec,
    /// A deactivated device keeps its history and has no health.
    pub active: bool,
    /// When it was first configured here.
    pub configured_at: DateTime<Utc>,
    /// When its latest activation began.
    pub activated_at: DateTime<Utc>,
    /// The latest activation: what is held of it belongs to this one only.
    pub activation_id: ActivationId,
    /// Counts changes.
    pub version: i64,
}
