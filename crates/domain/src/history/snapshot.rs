//! The snapshot of a device, as it is stored and as it is rebuilt.

use chrono::{DateTime, Utc};

use crate::acceptance::Held;
use crate::ids::{DeviceId, ProviderId, VehicleId};

/// The held state of a device in one activation, with the times of its updates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The newest readings, with their version.
    pub held: Held,
    /// The instant at which core last accepted an update; `None` if it never did.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The time of the newest observation that is held.
    pub newest_observed_at: Option<DateTime<Utc>>,
}

/// The stored snapshot of an active device, with the device that it belongs to.
#[derive(Clone, Debug)]
pub struct StoredSnapshot {
    /// The device's id.
    pub device_id: DeviceId,
    /// The vehicle that the device is fitted to.
    pub vehicle_id: VehicleId,
    /// The connection that every held reading came through.
    pub provider_id: ProviderId,
    /// The instant at which the device's activation began.
    pub activated_at: DateTime<Utc>,
    /// The reporting interval that the connection declares.
    pub declared_interval_minutes: Option<u32>,
    /// The instant at which core last accepted an update.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The newest observation held.
    pub newest_observed_at: Option<DateTime<Utc>>,
    /// The newest readings, at which version.
    pub held: Held,
}
