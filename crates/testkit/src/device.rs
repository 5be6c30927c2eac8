//! Building a device.

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::DeviceSpec;
use domain::ids::{DeviceId, ExternalId, ProviderId, VehicleId};

use crate::{UpdateBuilder, an_update, hours};

/// Builds a device.
#[derive(Clone, Debug)]
pub struct DeviceBuilder {
    id: DeviceId,
    spec: DeviceSpec,
    configured_for: TimeDelta,
    silent_for: Option<TimeDelta>,
}

/// Begins a device that was configured a day ago, reports through `sim-main`, and has never reported. `bus-1` has the
/// external id `bus-1-unit` and is in the vehicle `bus-1-vehicle`.
///
/// # Panics
/// If `id` is not a device id.
pub fn a_device(id: &str) -> DeviceBuilder {
    let spec = DeviceSpec {
        vehicle_id: VehicleId::try_new(&format!("{id}-vehicle")).expect("a vehicle id"),
        provider_id: ProviderId::try_new("sim-main").expect("a provider id"),
        external_id: ExternalId::try_new(&format!("{id}-unit")).expect("an external id"),
    };
    DeviceBuilder {
        id: DeviceId::try_new(id).expect("a device id"),
        spec,
        configured_for: hours(24),
        silent_for: None,
    }
}

impl DeviceBuilder {
    /// Sets the connection through which the device reports.
    ///
    /// # Panics
    /// If `provider_id` is not a provider id.
    #[must_use]
    pub fn through(mut self, provider_id: &str) -> Self {
        self.spec.provider_id = ProviderId::try_new(provider_id).expect("a provider id");
        self
    }

    /// Sets the external id.
    ///
    /// # Panics
    /// If `external_id` is not an external id.
    #[must_use]
    pub fn called(mut self, external_id: &str) -> Self {
        self.spec.external_id = ExternalId::try_new(external_id).expect("an external id");
        self
    }

    /// Sets the vehicle.
    ///
    /// # Panics
    /// If `vehicle_id` is not a vehicle id.
    #[must_use]
    pub fn fitted_to(mut self, vehicle_id: &str) -> Self {
        self.spec.vehicle_id = VehicleId::try_new(vehicle_id).expect("a vehicle id");
        self
    }

    /// Sets how long ago the device was configured.
    #[must_use]
    pub fn configured(self, configured_for: TimeDelta) -> Self {
        Self {
            configured_for,
            ..self
        }
    }

    /// Sets how long ago the device reported: its only update was observed and accepted then.
    #[must_use]
    pub fn silent_for(self, silent_for: TimeDelta) -> Self {
        Self {
            silent_for: Some(silent_for),
            ..self
        }
    }

    /// Returns the arguments of the command that configures the device.
    pub fn build(&self) -> (DeviceId, DeviceSpec) {
        (self.id.clone(), self.spec.clone())
    }

    pub(crate) fn configured_for(&self) -> TimeDelta {
        self.configured_for
    }

    pub(crate) fn last_update(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, UpdateBuilder)> {
        let at = now - self.silent_for?;
        Some((
            at,
            an_update(self.id.as_str())
                .observed(at)
                .with("state_of_charge_percent", 50),
        ))
    }
}
