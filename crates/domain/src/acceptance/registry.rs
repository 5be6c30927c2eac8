//! The configured side of a decision: connections and devices of one workspace.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fleet::{Device, ProviderType};
use crate::ids::{DeviceId, ExternalId, ProviderId};

/// The part of a workspace's configuration that acceptance needs: the connections and devices that a batch
/// names, or all of them.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    connections: HashMap<ProviderId, (ProviderType, bool)>,
    devices: HashMap<DeviceId, Arc<Device>>,
    by_external_id: HashMap<ProviderId, HashMap<ExternalId, DeviceId>>,
}

impl Registry {
    /// Adds a connection, with its type and whether it is enabled.
    pub fn add_connection(&mut self, id: ProviderId, provider_type: ProviderType, enabled: bool) {
        self.connections.insert(id, (provider_type, enabled));
    }

    /// Adds a device. An external id leads to its active device if there is one, else to a device that was
    /// deactivated.
    pub fn add_device(&mut self, device: impl Into<Arc<Device>>) {
        let device = device.into();
        let of_connection = self
            .by_external_id
            .entry(device.spec.provider_id.clone())
            .or_default();
        let holder = of_connection
            .get(&device.spec.external_id)
            .and_then(|holder| self.devices.get(holder));
        if device.active || holder.is_none_or(|holder| !holder.active) {
            of_connection.insert(device.spec.external_id.clone(), device.id.clone());
        }
        self.devices.insert(device.id.clone(), device);
    }

    /// Returns a connection's type and whether it is enabled.
    pub fn connection(&self, id: &ProviderId) -> Option<(ProviderType, bool)> {
        self.connections.get(id).copied()
    }

    /// Returns the device with an id.
    pub fn device(&self, id: &DeviceId) -> Option<&Arc<Device>> {
        self.devices.get(id)
    }

    /// Returns the device with an external id at a connection.
    pub fn device_at(
        &self,
        provider_id: &ProviderId,
        external_id: &ExternalId,
    ) -> Option<&Arc<Device>> {
        self.devices
            .get(self.by_external_id.get(provider_id)?.get(external_id)?)
    }
}
