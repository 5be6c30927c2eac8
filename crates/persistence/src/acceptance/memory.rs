//! What an instance remembers between batches, so that a parked fleet's repeated readings and a busy
//! fleet's new ones cost the database no reading of what they are judged by.
//!
//! Safe on any number of instances. How a workspace stands, which every batch reads or has compared under the
//! fence, tells when what is remembered of it counts no more. A remembered snapshot can only be too old: what
//! it calls stale or held is so, since snapshots only grow, and what it wrongly calls newer fails the version
//! guard of the write, is read again and decided anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::acceptance::{Address, Held};
use domain::fleet::{Cutover, Device, ProviderType};
use domain::ids::{DeviceId, ExternalId, ProviderId, WorkspaceId};
use moka::sync::Cache;

/// Devices that an instance remembers unless told otherwise, at most: about 1 kB each, taken as they come.
pub(crate) const DEVICES: u64 = 1_000_000;

/// Connections as acceptance sees them: type, and whether enabled.
pub(crate) type Connections = Arc<[(ProviderId, ProviderType, bool)]>;

/// An instance's memory, by workspace.
#[derive(Debug)]
pub(crate) struct AcceptanceMemory(Cache<WorkspaceId, Arc<WorkspaceMemory>>);

impl AcceptanceMemory {
    /// Remembers nothing yet, and never more than so many devices.
    pub(crate) fn of(at_most: u64) -> Self {
        let devices = |_: &WorkspaceId, memory: &Arc<WorkspaceMemory>| {
            u32::try_from(memory.known().devices.len() + 1).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(at_most).weigher(devices);
        Self(cache.build())
    }
}

/// What is remembered of a workspace, and counts as long as it stands so.
#[derive(Debug)]
struct WorkspaceMemory {
    standing: Standing,
    known: Mutex<Known>,
}

/// How a workspace stands, as far as updates are judged by it; its connections and devices by their version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) registry_version: i64,
    pub(crate) cutover_version: i64,
    pub(crate) active: bool,
    pub(crate) cutover: Cutover,
}

#[derive(Debug, Default)]
struct Known {
    connections: Option<Connections>,
    devices: HashMap<DeviceId, Remembered>,
    by_external_id: HashMap<ProviderId, HashMap<ExternalId, DeviceId>>,
}

/// A device, and what is held of it.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    pub(crate) device: Arc<Device>,
    pub(crate) held: Arc<Held>,
}

impl WorkspaceMemory {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn device(&self, address: &Address) -> Option<&Remembered> {
        let id = match address {
            Address::Device { device_id, .. } => device_id,
            Address::External {
                provider_id,
                external_id,
            } => self.by_external_id.get(provider_id)?.get(external_id)?,
        };
        self.devices.get(id)
    }

    fn learn(&mut self, new: Remembered) {
        let Device {
            id, spec, active, ..
        } = &*new.device;
        if *active {
            self.by_external_id
                .entry(spec.provider_id.clone())
                .or_default()
                .insert(spec.external_id.clone(), id.clone());
        }
        let id = id.clone();
        match self.devices.get_mut(&id) {
            Some(known) if known.held.version > new.held.version => known.device = new.device,
            Some(known) => *known = new,
            None => {
                self.devices.insert(id, new);
            }
        }
    }

    fn advance(&mut self, device_id: &DeviceId, held: Arc<Held>) {
        if let Some(known) = self.devices.get_mut(device_id)
            && known.held.version < held.version
        {
            known.held = held;
        }
    }
}

/// A batch's use of the memory: what it has read and moved is remembered when it is committed.
#[derive(Debug)]
pub(crate) struct Recall {
    memory: Arc<AcceptanceMemory>,
    /// As the workspace stands under a unit of work's fence, until which is read nothing is remembered; or as it
    /// is remembered, for a batch that has that compared.
    workspace: Option<Arc<WorkspaceMemory>>,
    /// Set when the guard has shown a remembered snapshot to be too old.
    pub(crate) distrusted: bool,
    connections: Option<Connections>,
    learned: Vec<Remembered>,
    moved: Vec<(DeviceId, Arc<Held>)>,
}

impl Recall {
    pub(crate) fn of(memory: Arc<AcceptanceMemory>) -> Self {
        Self {
            memory,
            workspace: None,
            distrusted: false,
            connections: None,
            learned: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// What is remembered of a workspace, whether or not it still counts.
    pub(crate) fn as_remembered(
        memory: &Arc<AcceptanceMemory>,
        workspace_id: &WorkspaceId,
    ) -> Option<(Self, Standing)> {
        let workspace = memory.0.get(workspace_id)?;
        let standing = workspace.standing;
        let mut recall = Self::of(Arc::clone(memory));
        recall.workspace = Some(workspace);
        Some((recall, standing))
    }

    /// Takes what is remembered of a workspace that stands so.
    pub(crate) fn counts_as_of(&mut self, workspace_id: &WorkspaceId, standing: Standing) {
        let remembered = self.memory.0.get(workspace_id);
        let current = remembered.filter(|memory| memory.standing == standing);
        self.workspace = Some(current.unwrap_or_else(|| {
            Arc::new(WorkspaceMemory {
                standing,
                known: Mutex::default(),
            })
        }));
    }

    /// Remembers these devices no more.
    pub(crate) fn forget<'d>(&self, devices: impl Iterator<Item = &'d DeviceId>) {
        if let Some(workspace) = &self.workspace {
            let mut known = workspace.known();
            for device in devices {
                known.devices.remove(device);
            }
        }
    }

    /// What is remembered, or was read by this unit of work.
    pub(crate) fn connections(&self) -> Option<Connections> {
        let read = || self.connections.clone();
        let known = self.workspace.as_ref()?.known().connections.clone();
        known.or_else(read)
    }

    /// Looks up the devices that are named, all at once; those not remembered are `None`.
    pub(crate) fn devices<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Address>,
    ) -> Vec<Option<Remembered>> {
        match &self.workspace {
            Some(workspace) if !self.distrusted => {
                let known = workspace.known();
                addresses
                    .map(|address| known.device(address).cloned())
                    .collect()
            }
            _ => addresses.map(|_| None).collect(),
        }
    }

    pub(crate) fn read_connections(&mut self, connections: Connections) {
        self.connections = Some(connections);
    }

    pub(crate) fn read_device(&mut self, read: Remembered) {
        self.learned.push(read);
    }

    pub(crate) fn moved(&mut self, device_id: DeviceId, held: Arc<Held>) {
        self.moved.push((device_id, held));
    }

    /// Remembers, after the commit.
    pub(crate) fn keep(self, workspace_id: &WorkspaceId) {
        let Some(workspace) = self.workspace else {
            return;
        };
        let grows = self.connections.is_some() || !self.learned.is_empty();
        {
            let mut known = workspace.known();
            if self.connections.is_some() {
                known.connections = self.connections;
            }
            for learned in self.learned {
                known.learn(learned);
            }
            for (device_id, held) in self.moved {
                known.advance(&device_id, held);
            }
        }
        if grows {
            // Put in its place again, so that it is weighed anew.
            self.memory.0.insert(workspace_id.clone(), workspace);
        }
    }
}
