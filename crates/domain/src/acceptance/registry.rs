//! What a batch is judged against: the connections and devices of one workspace.

use std::collections::HashMap;
use std::sync::Arc;

use super::Held;
use crate::fleet::{Device, ProviderType};
use crate::ids::{DeviceId, ExternalId, ProviderId};

/// The connections of a workspace, and the devices that a batch names with what is held of each.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    connections: HashMap<ProviderId, (ProviderType, bool)>,
    devices: HashMap<DeviceId, KnownDevice>,
    by_external_id: HashMap<ProviderId, HashMap<ExternalId, DeviceId>>,
}

/// A configured device with what is held of it. Both are shared with the device cache.
#[derive(Clone, Debug)]
pub struct KnownDevice {
    /// The device as it is configured.
    pub device: Arc<Device>,
    /// The snapshot of the device's current activation; version 0 if nothing was accepted yet.
    pub held: Arc<Held>,
}

impl Registry {
    /// Adds a connection, with its type and whether it is enabled.
    pub fn add_connection(&mut self, id: ProviderId, provider_type: ProviderType, enabled: bool) {
        self.connections.insert(id, (provider_type, enabled));
    }

    /// Adds a device. An external id leads to its active device where there is one, else to one that
    /// was deactivated.
    pub fn add_device(&mut self, known: KnownDevice) {
        let device = &known.device;
        let of_connection = self
            .by_external_id
            .entry(device.spec.provider_id.clone())
            .or_default();
        let holder = of_connection
            .get(&device.spec.external_id)
            .and_then(|holder| self.devices.get(holder));
        if device.active || holder.is_none_or(|holder| !holder.device.active) {
            of_connection.insert(device.spec.external_id.clone(), device.id.clone());
        }
        self.devices.insert(device.id.clone(), known);
    }

    /// Returns a connection's type, and whether the connection is enabled.
    pub fn connection(&self, id: &ProviderId) -> Option<(ProviderType, bool)> {
        self.connections.get(id).copied()
    }

    /// Finds the device of this id.
    pub fn device(&self, id: &DeviceId) -> Option<&KnownDevice> {
        self.devices.get(id)
    }

    /// Finds the device that has this external id at a connection.
    pub fn device_at(
        &self,
        provider_id: &ProviderId,
        external_id: &ExternalId,
    ) -> Option<&KnownDevice> {
        self.devices
            .get(self.by_external_id.get(provider_id)?.get(external_id)?)
    }
}
