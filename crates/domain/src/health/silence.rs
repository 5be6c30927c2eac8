//! Silence: a device that is stale or never reported, since when, and its position in a worklist.

use chrono::{DateTime, Utc};

use super::{DeviceFacts, HealthState};
use crate::ids::{DeviceId, WorkspaceId};

impl HealthState {
    /// Returns whether a device in this state is to be followed up.
    pub const fn is_silence(self) -> bool {
        matches!(self, Self::Stale | Self::ConfiguredNoData)
    }
}

impl DeviceFacts {
    /// Returns the beginning of the silence: the latest accepted update, or the activation if none came
    /// since.
    pub fn silent_since(&self) -> DateTime<Utc> {
        self.last_update_received_at.unwrap_or(self.activated_at)
    }
}

/// The position of a silence in a worklist: the oldest silence comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorklistPosition {
    /// The beginning of the silence.
    pub silent_since: DateTime<Utc>,
    /// The workspace of the device.
    pub workspace_id: WorkspaceId,
    /// The device.
    pub device_id: DeviceId,
}
