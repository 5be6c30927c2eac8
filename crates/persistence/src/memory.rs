//! What an instance remembers between batches, so that a parked fleet's repeated readings and a busy
//! fleet's new ones cost the database no reading of what they are judged by.
//!
//! Safe on any number of instances. The registry version, which every batch reads with the flags,
//! tells when a remembered device or connection counts no more. A remembered snapshot can only be too
//! old: what it calls stale or held is so, since snapshots only grow, and what it wrongly calls newer
//! fails the version guard of the write, is read again and decided anew.

use std::collections::HashMap;
use std::sync::Arc;

use domain::acceptance::Address;
use domain::fleet::{Device, ProviderType};
use domain::ids::{DeviceId, ExternalId, ProviderId, WorkspaceId};
use moka::sync::Cache;

use crate::HeldSnapshot;

/// Devices remembered, at most: about 2 kB each.
const DEVICES: u64 = 200_000;
/// Workspaces whose connections are remembered, at most.
const WORKSPACES: u64 = 20_000;

/// A connection as acceptance sees it: its type, and whether it is enabled.
pub(crate) type Connections = Vec<(ProviderId, ProviderType, bool)>;

/// How an update can name a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DeviceName {
    Id(DeviceId),
    External(ProviderId, ExternalId),
}

impl From<&Address> for DeviceName {
    fn from(address: &Address) -> Self {
        match address {
            Address::Device { device_id, .. } => Self::Id(device_id.clone()),
            Address::External {
                provider_id,
                external_id,
            } => Self::External(provider_id.clone(), external_id.clone()),
        }
    }
}

/// Something that counts as long as the workspace's registry version is this one.
#[derive(Clone, Debug)]
struct AsOf<T> {
    registry_version: i64,
    value: T,
}

/// An instance's memory.
#[derive(Debug)]
pub(crate) struct AcceptanceMemory {
    connections: Cache<WorkspaceId, Arc<AsOf<Connections>>>,
    devices: Cache<(WorkspaceId, DeviceName), AsOf<Arc<Device>>>,
    held: Cache<(WorkspaceId, DeviceId), Arc<AsOf<HeldSnapshot>>>,
}

impl Default for AcceptanceMemory {
    fn default() -> Self {
        Self {
            connections: Cache::new(WORKSPACES),
            devices: Cache::new(DEVICES),
            held: Cache::new(DEVICES),
        }
    }
}

/// A unit of work's use of the memory: what it has read and moved is remembered when it commits.
#[derive(Debug)]
pub(crate) struct Recall {
    memory: Arc<AcceptanceMemory>,
    /// As this unit of work has read it under its fence; without it nothing is remembered.
    pub(crate) registry_version: Option<i64>,
    /// Set when the guard has shown a remembered snapshot to be too old.
    pub(crate) distrusted: bool,
    connections: Option<Connections>,
    devices: Vec<(DeviceName, Arc<Device>)>,
    held: HashMap<DeviceId, HeldSnapshot>,
}

impl Recall {
    pub(crate) fn of(memory: Arc<AcceptanceMemory>) -> Self {
        Self {
            memory,
            registry_version: None,
            distrusted: false,
            connections: None,
            devices: Vec::new(),
            held: HashMap::new(),
        }
    }

    pub(crate) fn connections(&self, workspace_id: &WorkspaceId) -> Option<Connections> {
        let known = self.memory.connections.get(workspace_id)?;
        self.counts(known.registry_version)
            .then(|| known.value.clone())
    }

    /// A device and what is held of it, if both are remembered and count.
    pub(crate) fn device(
        &self,
        workspace_id: &WorkspaceId,
        name: DeviceName,
    ) -> Option<(Arc<Device>, HeldSnapshot)> {
        if self.distrusted {
            return None;
        }
        let device = self.memory.devices.get(&(workspace_id.clone(), name))?;
        let held = self
            .memory
            .held
            .get(&(workspace_id.clone(), device.value.id.clone()))?;
        (self.counts(device.registry_version) && self.counts(held.registry_version))
            .then(|| (Arc::clone(&device.value), held.value.clone()))
    }

    pub(crate) fn read_connections(&mut self, connections: Connections) {
        self.connections = Some(connections);
    }

    pub(crate) fn read_device(&mut self, device: &Arc<Device>, held: HeldSnapshot) {
        self.devices
            .push((DeviceName::Id(device.id.clone()), Arc::clone(device)));
        if device.active {
            let name = DeviceName::External(
                device.spec.provider_id.clone(),
                device.spec.external_id.clone(),
            );
            self.devices.push((name, Arc::clone(device)));
        }
        self.held.insert(device.id.clone(), held);
    }

    pub(crate) fn moved(&mut self, device_id: DeviceId, held: HeldSnapshot) {
        self.held.insert(device_id, held);
    }

    /// Remembers, after the commit.
    pub(crate) fn keep(self, workspace_id: &WorkspaceId) {
        let Some(registry_version) = self.registry_version else {
            return;
        };
        if let Some(value) = self.connections {
            self.memory.connections.insert(
                workspace_id.clone(),
                Arc::new(AsOf {
                    registry_version,
                    value,
                }),
            );
        }
        for (name, value) in self.devices {
            self.memory.devices.insert(
                (workspace_id.clone(), name),
                AsOf {
                    registry_version,
                    value,
                },
            );
        }
        for (device_id, value) in self.held {
            let key = (workspace_id.clone(), device_id);
            let newer = self.memory.held.get(&key).is_some_and(|known| {
                known.registry_version == registry_version && known.value.version > value.version
            });
            if !newer {
                self.memory.held.insert(
                    key,
                    Arc::new(AsOf {
                        registry_version,
                        value,
                    }),
                );
            }
        }
    }

    fn counts(&self, registry_version: i64) -> bool {
        self.registry_version == Some(registry_version)
    }
}
