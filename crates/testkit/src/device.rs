//! Building a device.

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::DeviceSpec;
use domain::ids::{DeviceId, ExternalId, ProviderId, VehicleId};

use crate::{UpdateBuilder, an_update, hours};

/// A device to be.
#[derive(Clone, Debug)]
pub struct DeviceBuilder {
    id: DeviceId,
    spec: DeviceSpec,
    configured_for: TimeDelta,
    silent_for: Option<TimeDelta>,
}

/// A device that was configured a day ago and has never reported, through `sim-main`. `bus-1` is
/// called `bus-1-unit` there and fitted to `bus-1-vehicle`.
///
/// # Panics
/// When `id` is none.
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
    /// Through another connection.
    ///
    /// # Panics
    /// When `provider_id` is none.
    #[must_use]
    pub fn through(mut self, provider_id: &str) -> Self {
        self.spec.provider_id = ProviderId::try_new(provider_id).expect("a provider id");
        self
    }

    /// With another name at its connection.
    ///
    /// # Panics
    /// When `external_id` is none.
    #[must_use]
    pub fn called(mut self, external_id: &str) -> Self {
        self.spec.external_id = ExternalId::try_new(external_id).expect("an external id");
        self
    }

    /// In another vehicle.
    ///
    /// # Panics
    /// When `vehicle_id` is none.
    #[must_use]
    pub fn fitted_to(mut self, vehicle_id: &str) -> Self {
        self.spec.vehicle_id = VehicleId::try_new(vehicle_id).expect("a vehicle id");
        self
    }

    /// Configured so long ago.
    #[must_use]
    pub fn configured(self, configured_for: TimeDelta) -> Self {
        Self {
            configured_for,
            ..self
        }
    }

    /// Last heard of so long ago: its one update was observed and accepted then.
    #[must_use]
    pub fn silent_for(self, silent_for: TimeDelta) -> Self {
        Self {
            silent_for: Some(silent_for),
            ..self
        }
    }

    /// What a command takes.
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
