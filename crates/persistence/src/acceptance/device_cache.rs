//! The device cache of an instance: the configuration of workspaces, and their devices with snapshots. With it most
//! batches are decided without a read of the database.
//!
//! The cache is safe with any number of instances. A workspace has versions, which every batch reads or compares under
//! the fence, and a cached entry is valid only while its versions are current. A cached snapshot can only be too old.
//! If an old snapshot makes an update stale or a duplicate, the decision is right, because snapshots only grow. If an
//! old snapshot makes an update newer by mistake, the version check of the write fails, and the update is loaded and
//! decided again.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::acceptance::{Address, BatchItem, Held, KnownDevice, Registry, SnapshotMove};
use domain::fleet::{Cutover, Device, ProviderType};
use domain::ids::{DeviceId, ExternalId, ProviderId, WorkspaceId};
use moka::sync::Cache;

use super::BatchFacts;
use super::load::add_connections;

/// The greatest number of devices that an instance caches by default. A cached device takes about 1 kB.
pub(crate) const DEVICES_AT_MOST: u64 = 1_000_000;

/// The connections of a workspace: id, provider type, and whether the connection is enabled.
pub(super) type Connections = Arc<[(ProviderId, ProviderType, bool)]>;

/// The cached workspaces of an instance.
#[derive(Debug)]
pub(crate) struct DeviceCache(Cache<WorkspaceId, Arc<CachedWorkspace>>);

impl DeviceCache {
    /// Creates an empty cache for at most `devices_at_most` devices.
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

/// The flags of a workspace with the versions of its configuration. A cached entry is valid while these are current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkspaceVersions {
    /// The number of changes of connections and devices.
    pub(crate) registry_version: i64,
    /// The version of the cutover flags.
    pub(crate) cutover_version: i64,
    /// Whether the workspace is active.
    pub(crate) active: bool,
    /// The cutover flags.
    pub(crate) cutover: Cutover,
}

/// The cached entry of a workspace, which is valid while the workspace has these versions.
#[derive(Debug)]
struct CachedWorkspace {
    versions: WorkspaceVersions,
    entries: Mutex<CachedDevices>,
}

/// The cached connections and devices of a workspace.
#[derive(Debug, Default)]
struct CachedDevices {
    connections: Option<Connections>,
    devices: HashMap<DeviceId, KnownDevice>,
    by_external_id: HashMap<ProviderId, HashMap<ExternalId, DeviceId>>,
}

impl CachedWorkspace {
    /// Locks the cached connections and devices.
    fn entries(&self) -> MutexGuard<'_, CachedDevices> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedDevices {
    /// Looks up a device by its address.
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

    /// Inserts a loaded device, but keeps a cached snapshot that is newer.
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
            // Another batch has moved the snapshot since this device was loaded.
            Some(known) if known.held.version > loaded.held.version => known.device = loaded.device,
            Some(known) => *known = loaded,
            None => {
                self.devices.insert(id, loaded);
            }
        }
    }

    /// Replaces the snapshot of a cached device, unless the cached snapshot is newer.
    fn advance(&mut self, device_id: &DeviceId, held: Arc<Held>) {
        if let Some(known) = self.devices.get_mut(device_id)
            && known.held.version < held.version
        {
            known.held = held;
        }
    }
}

/// The use of the device cache by one batch: the entry that it reads, and the values that it caches after its commit.
#[derive(Debug)]
pub(crate) struct CacheSession {
    cache: Arc<DeviceCache>,
    workspace_id: WorkspaceId,
    /// The entry that the batch reads. In a unit of work it is the entry with the current versions; before a unit of
    /// work has begun it is any entry, whose versions are compared when the batch is recorded.
    workspace: Option<Arc<CachedWorkspace>>,
    /// Whether cached devices are ignored, because the version check has found a cached snapshot that was too old.
    bypassed: bool,
    /// The connections that this batch has loaded.
    connections: Option<Connections>,
    /// The devices that this batch has loaded.
    loaded: Vec<KnownDevice>,
    /// The snapshots that this batch has moved.
    moved: Vec<(DeviceId, Arc<Held>)>,
}

impl CacheSession {
    /// Creates a session that reads nothing from the cache until [`Self::use_versions`] is called.
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

    /// Creates a session that reads the cached entry of an active workspace, even if its versions may be old.
    pub(super) fn of_cached(cache: &Arc<DeviceCache>, workspace_id: &WorkspaceId) -> Self {
        let cached = cache.0.get(workspace_id);
        Self {
            workspace: cached.filter(|workspace| workspace.versions.active),
            ..Self::new(cache, workspace_id)
        }
    }

    /// Selects the cached entry if it has these versions, or else a new empty entry.
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

    /// Returns the versions of the selected entry.
    pub(super) fn versions(&self) -> Option<WorkspaceVersions> {
        Some(self.workspace.as_ref()?.versions)
    }

    /// Returns the facts that the items are decided by; `None` if some of them are not cached.
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

    /// Returns the connections; `None` if they are neither cached nor loaded by this session.
    pub(super) fn connections(&self) -> Option<Connections> {
        let loaded = || self.connections.clone();
        let cached = self.workspace.as_ref()?.entries().connections.clone();
        cached.or_else(loaded)
    }

    /// Looks up the devices of all addresses under one lock. A device that is not cached is `None`.
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

    /// Remembers loaded connections for [`Self::publish`].
    pub(super) fn note_connections(&mut self, connections: Connections) {
        self.connections = Some(connections);
    }

    /// Remembers a loaded device for [`Self::publish`].
    pub(super) fn note_device(&mut self, loaded: KnownDevice) {
        self.loaded.push(loaded);
    }

    /// Remembers the moved snapshots for [`Self::publish`]. If another batch was ahead for some devices, this session
    /// ignores cached devices from now on.
    pub(super) fn note_moves(&mut self, moves: &[SnapshotMove<'_>], superseded: &[DeviceId]) {
        self.bypassed = !superseded.is_empty();
        for moved in moves {
            if !superseded.contains(&moved.device.id) {
                let held = Arc::clone(&moved.held);
                self.moved.push((moved.device.id.clone(), held));
            }
        }
    }

    /// Removes devices from the cache, because another batch has moved their snapshots.
    pub(super) fn evict(&self, superseded: &[DeviceId]) {
        if let Some(workspace) = &self.workspace {
            let mut entries = workspace.entries();
            for device_id in superseded {
                entries.devices.remove(device_id);
            }
        }
    }

    /// Caches the loaded devices and the moved snapshots, after the batch was committed.
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
            // The entry is inserted again, because the cache computes an entry's weight at its insertion only.
            let cache = &self.cache.0;
            cache.insert(self.workspace_id.clone(), Arc::clone(workspace));
        }
    }
}
