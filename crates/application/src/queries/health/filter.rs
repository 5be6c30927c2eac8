//! The filter of device and vehicle health.

use domain::health::{HealthState, Reason, Responsibility};
use domain::ids::VehicleId;

use super::{DeviceHealth, VehicleHealth};

/// A filter of the devices or vehicles of a workspace's health; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthFilter {
    /// Only devices, or vehicles, in this state.
    pub state: Option<HealthState>,
    /// Only devices with this root cause.
    pub reason: Option<Reason>,
    /// Only devices whose root cause this party has to mend.
    pub responsibility: Option<Responsibility>,
    /// Only devices that are fitted to this vehicle.
    pub vehicle_id: Option<VehicleId>,
}

impl HealthFilter {
    pub(super) fn admits_device(&self, device: &DeviceHealth) -> bool {
        self.state.is_none_or(|state| device.health.state == state) && self.admits_cause(device)
    }

    /// Returns whether a vehicle is listed: by the vehicle's own state, and by the cause of any of its devices.
    pub(super) fn admits_vehicle(&self, vehicle: &VehicleHealth) -> bool {
        self.state.is_none_or(|state| vehicle.state == state)
            && vehicle
                .devices
                .iter()
                .any(|device| self.admits_cause(device))
    }

    fn admits_cause(&self, device: &DeviceHealth) -> bool {
        let cause = device.cause;
        let has_reason = |wanted| cause.is_some_and(|cause| cause.reason == wanted);
        let is_of = |wanted| cause.is_some_and(|cause| cause.responsibility == wanted);
        self.reason.is_none_or(has_reason)
            && self.responsibility.is_none_or(is_of)
            && self
                .vehicle_id
                .as_ref()
                .is_none_or(|vehicle_id| device.row.vehicle_id == *vehicle_id)
    }
}
