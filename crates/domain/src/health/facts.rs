//! The stored facts that the health of a workspace's devices is computed from.

use chrono::{DateTime, Utc};

use super::{ConnectionFacts, DeviceFacts, LastRejection};
use crate::ids::{DeviceId, ProviderId, VehicleId};

/// An active device with the stored facts that its health follows from.
#[derive(Clone, Debug)]
pub struct ActiveDevice {
    /// The device's id.
    pub device_id: DeviceId,
    /// The vehicle that the device is fitted to.
    pub vehicle_id: VehicleId,
    /// The connection that the device speaks through.
    pub provider_id: ProviderId,
    /// The instant at which the device was first configured.
    pub configured_at: DateTime<Utc>,
    /// The facts that the device's state follows from. Its connection's declared interval is not among the
    /// stored ones: the evaluation fills it in.
    pub facts: DeviceFacts,
    /// Whether the latest answer of the provider lacked the device.
    pub absent: bool,
    /// For an absent device, the instant of the last answer that named it, in this activation.
    pub returned_before_absence_at: Option<DateTime<Utc>>,
    /// The latest of the device's updates that was refused.
    pub last_rejection: Option<LastRejection>,
}

/// A connection with its latest polls.
#[derive(Clone, Debug)]
pub struct ConnectionPolling {
    /// The connection's id.
    pub provider_id: ProviderId,
    /// The facts of the connection that the health of its devices depends on.
    pub facts: ConnectionFacts,
    /// The instant of the latest answer of the provider.
    pub last_answer_at: Option<DateTime<Utc>>,
}

/// All stored facts, beside the workspace's own record, that the health of its devices follows from.
#[derive(Clone, Debug)]
pub struct WorkspaceHealthFacts {
    /// The active devices, in order of id.
    pub devices: Vec<ActiveDevice>,
    /// The connections, in order of id.
    pub connections: Vec<ConnectionPolling>,
    /// The end of the latest cycle that was polled.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
}
