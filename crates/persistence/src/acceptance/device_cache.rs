//! The device cache: what an instance has loaded of workspaces and their devices, so that a parked fleet's repeated
//! readings and a busy fleet's new ones cost the database no reading of what they are judged by.
//!
//! It is safe on any number of instances. The versions of a workspace, which every batch reads or has compared under
//! the fence, say whether its entry still counts. A cached snapshot can only be too old: what it calls stale or a
//! duplicate is so, since snapshots only grow, and what it wrongly calls newer fails the version guard of the write,
//! is loaded and decided again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::acceptance::{Address, BatchItem, Held, KnownDevice, Registry, SnapshotMove};
use domain::fleet::{Cutover, Device, ProviderType};
use domain::ids::{DeviceId, ExternalId, ProviderId, WorkspaceId};
use moka::sync::Cache;

use super::BatchFacts;
use super::load::add_connections;

/// Devices that an instance caches unless it is configured otherwise, at most: about 1 kB each.
pub(crate) const DEVICES_AT_MOST: u64 = 1_000_000;

/// The connections of a workspace: type, and whether enabled.
pub(super) type Connections = Arc<[(ProviderId, ProviderType, bool)]>;

/// The cached workspaces of an instance.
#[derive(Debug)]
pub(crate) struct DeviceCache(Cache<WorkspaceId, Arc<CachedWorkspace>>);

impl DeviceCache {
    /// An empty cache of at most so many devices.
    pub(crate) fn new(devices_at_most: u64) -> Self {
        let weight = |_: &WorkspaceId, workspace: &Arc<CachedWorkspace>| {
            u32::try_from(workspace.entries().devices.len() + 1).unwrap_or(u32::MAX)
        };
        Self(
            Cache::builder()
                .max_capacity(devices_at_most)
                .weigher(weight)
                .build(),
        )
    }
}

/// The state of a workspace that updates are judged by, with the versions that say when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkspaceVersions {
    /// Counts changes of connections and devices.
    pub(crate) registry_version: i64,
    /// Counts changes of the flags.
    pub(crate) cutover_version: i64,
    pub(crate) active: bool,
    pub(crate) cutover: Cutover,
}

/// What is cached of a workspace; it counts while the workspace has these versions.
#[derive(Debug)]
struct CachedWorkspace {
    versions: WorkspaceVersions,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    connections: Option<Connections>,
    devices: HashMap<DeviceId, KnownDevice>,
    by_external_id: HashMap<ProviderId, HashMap<ExternalId, DeviceId>>,
}

impl CachedWorkspace {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn device(&self, address: &Address) -> Option<&KnownDevice> {
        let id = match address {
            Address::Device { device_id, .. } => device_id,
            Address::External {
                provider_id,
                external_id,
            } => self.by_external_id.get(provider_id)?.get(external_id)?,
        };
        self.devices.get(id)
    }

    fn insert(&mut self, loaded: KnownDevice) {
        let Device {
            id, spec, active, ..
        } = &*loaded.device;
        if *active {
            self.by_external_id
                .entry(spec.provider_id.clone())
                .or_default()
                .insert(spec.external_id.clone(), id.clone());
        }
        let id = id.clone();
        match self.devices.get_mut(&id) {
            // Another batch has moved the snapshot since it was loaded.
            Some(known) if known.held.version > loaded.held.version => known.device = loaded.device,
            Some(known) => *known = loaded,
            None => {
                self.devices.insert(id, loaded);
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

/// One batch's use of the device cache: what it may take from the cache, and what it puts there after its commit.
#[derive(Debug)]
pub(crate) struct CacheSession {
    cache: Arc<DeviceCache>,
    workspace_id: WorkspaceId,
    /// The entry that the batch may use: the one that counts under a unit of work's fence, or whichever there is, for a
    /// batch whose versions are compared when it is recorded.
    workspace: Option<Arc<CachedWorkspace>>,
    /// Set when the version guard has shown that a cached snapshot was too old.
    bypassed: bool,
    connections: Option<Connections>,
    loaded: Vec<KnownDevice>,
    moved: Vec<(DeviceId, Arc<Held>)>,
}

impl CacheSession {
    /// A session that takes nothing from the cache until [`Self::use_versions`].
    pub(crate) fn new(cache: &Arc<DeviceCache>, workspace_id: &WorkspaceId) -> Self {
        Self {
            cache: Arc::clone(cache),
            workspace_id: workspace_id.clone(),
            workspace: None,
            bypassed: false,
            connections: None,
            loaded: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// A session that uses what is cached of an active workspace, whether or not it still counts.
    pub(super) fn of_cached(cache: &Arc<DeviceCache>, workspace_id: &WorkspaceId) -> Self {
        let cached = cache.0.get(workspace_id);
        Self {
            workspace: cached.filter(|workspace| workspace.versions.active),
            ..Self::new(cache, workspace_id)
        }
    }

    /// Uses what is cached of the workspace if it has these versions, else a new entry.
    pub(crate) fn use_versions(&mut self, versions: WorkspaceVersions) {
        let cached = self.cache.0.get(&self.workspace_id);
        let current = cached.filter(|workspace| workspace.versions == versions);
        self.workspace = Some(current.unwrap_or_else(|| {
            Arc::new(CachedWorkspace {
                versions,
                entries: Mutex::default(),
            })
        }));
    }

    /// The versions of the entry that this session uses.
    pub(super) fn versions(&self) -> Option<WorkspaceVersions> {
        Some(self.workspace.as_ref()?.versions)
    }

    /// What the items are judged by, if all of it is cached.
    pub(super) fn batch_facts(&self, items: &[BatchItem<'_>]) -> Option<BatchFacts> {
        let WorkspaceVersions {
            active, cutover, ..
        } = self.versions()?;
        let mut registry = Registry::default();
        add_connections(&mut registry, &self.connections()?);
        let addresses = items.iter().filter_map(|one| one.item.address());
        for (_, known) in self.devices(addresses) {
            registry.add_device(known?);
        }
        Some(BatchFacts {
            active,
            cutover,
            registry,
        })
    }

    /// The connections, if they are cached or this session has loaded them.
    pub(super) fn connections(&self) -> Option<Connections> {
        let loaded = || self.connections.clone();
        let cached = self.workspace.as_ref()?.entries().connections.clone();
        cached.or_else(loaded)
    }

    /// Looks up the devices that are named, all at once; `None` beside each that is not cached.
    pub(super) fn devices<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Address>,
    ) -> Vec<(&'a Address, Option<KnownDevice>)> {
        match &self.workspace {
            Some(workspace) if !self.bypassed => {
                let entries = workspace.entries();
                addresses
                    .map(|address| (address, entries.device(address).cloned()))
                    .collect()
            }
            _ => addresses.map(|address| (address, None)).collect(),
        }
    }

    pub(super) fn note_connections(&mut self, connections: Connections) {
        self.connections = Some(connections);
    }

    pub(super) fn note_device(&mut self, loaded: KnownDevice) {
        self.loaded.push(loaded);
    }

    /// Notes what a batch has moved. Where it was superseded, it loads from the database from now on.
    pub(super) fn note_moves(&mut self, moves: &[SnapshotMove<'_>], superseded: &[DeviceId]) {
        self.bypassed = !superseded.is_empty();
        for moved in moves {
            if !superseded.contains(&moved.device.id) {
                let held = Arc::clone(&moved.held);
                self.moved.push((moved.device.id.clone(), held));
            }
        }
    }

    /// Removes devices from the cache whose snapshots another batch has moved.
    pub(super) fn evict(&self, superseded: &[DeviceId]) {
        if let Some(workspace) = &self.workspace {
            let mut entries = workspace.entries();
            for device_id in superseded {
                entries.devices.remove(device_id);
            }
        }
    }

    /// Puts what the batch has loaded and moved into the cache, after its commit.
    pub(crate) fn publish(&mut self) {
        let Some(workspace) = &self.workspace else {
            return;
        };
        let grows = self.connections.is_some() || !self.loaded.is_empty();
        {
            let mut entries = workspace.entries();
            if let Some(connections) = self.connections.take() {
                entries.connections = Some(connections);
            }
            for loaded in mem::take(&mut self.loaded) {
                entries.insert(loaded);
            }
            for (device_id, held) in mem::take(&mut self.moved) {
                entries.advance(&device_id, held);
            }
        }
        if grows {
            // Inserted again, so that the cache weighs the entry anew.
            let cache = &self.cache.0;
            cache.insert(self.workspace_id.clone(), Arc::clone(workspace));
        }
    }
}
