//! Loading the facts that a batch is decided by: flags, connections, and devices with their snapshots.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, BatchItem, Drops, Held, KnownDevice, Registry};
use domain::fleet::{Cutover, Device, ProviderType};
use domain::ids::ProviderId;
use domain::signals::Readings;
use sqlx::types::Json;
use uuid::Uuid;

use super::WorkspaceVersions;
use super::device_cache::Connections;
use crate::fleet::DeviceRow;
use crate::postgres::decode;
use crate::{StorageError, UnitOfWork};

/// The facts that a batch of updates is decided by.
#[derive(Clone, Debug)]
pub struct BatchFacts {
    /// Whether the workspace is active; an inactive workspace accepts no update.
    pub active: bool,
    /// The workspace's flags.
    pub cutover: Cutover,
    /// The workspace's connections, and the devices that the batch names with their snapshots.
    pub registry: Registry,
}

/// The addresses of a batch's devices that are not cached: by device id, or by connection and external id.
#[derive(Default)]
struct UncachedAddresses<'a> {
    by_id: Vec<&'a str>,
    /// Each by its connection and its external id there.
    by_external_id: Vec<(&'a str, &'a str)>,
}

impl UnitOfWork {
    /// Loads the facts that the items are decided by. Values that are not in the device cache are loaded by one
    /// statement for connections and one for each kind of address, whatever the batch's size. Returns `None` if there
    /// is no such workspace.
    pub(super) async fn load_batch_facts(
        &mut self,
        items: &[BatchItem<'_>],
    ) -> Result<Option<BatchFacts>, StorageError> {
        let Some(WorkspaceVersions {
            active, cutover, ..
        }) = self.workspace_versions().await?
        else {
            return Ok(None);
        };
        let mut registry = Registry::default();
        let mut not_cached = UncachedAddresses::default();
        let addresses = items.iter().filter_map(|one| one.item.address());
        for (address, cached) in self.cache.devices(addresses) {
            match cached {
                Some(known) => registry.add_device(known),
                None => not_cached.add(address),
            }
        }
        add_connections(&mut registry, &self.load_connections().await?);
        for known in self.load_devices(&not_cached).await? {
            registry.add_device(known.clone());
            self.cache.note_device(known);
        }
        Ok(Some(BatchFacts {
            active,
            cutover,
            registry,
        }))
    }

    /// Returns the workspace's versions, which are read once in a unit of work and protected by its fence.
    async fn workspace_versions(&mut self) -> Result<Option<WorkspaceVersions>, StorageError> {
        if self.cache.versions().is_none() {
            self.workspace().await?;
        }
        Ok(self.cache.versions())
    }

    /// Returns the workspace's connections from the cache, or loads them.
    async fn load_connections(&mut self) -> Result<Connections, StorageError> {
        if let Some(connections) = self.cache.connections() {
            return Ok(connections);
        }
        let rows = sqlx::query!(
            r#"/* acceptance: connections */
            SELECT provider_id, provider_type, enabled FROM provider_connections WHERE workspace_id = $1"#,
            self.workspace_id.as_str(),
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let connections = rows
            .into_iter()
            .map(|row| {
                Ok((
                    decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                    decode::word(ProviderType::parse, "provider_type", &row.provider_type)?,
                    row.enabled,
                ))
            })
            .collect::<Result<Connections, StorageError>>()?;
        self.cache.note_connections(Arc::clone(&connections));
        Ok(connections)
    }

    /// Loads the devices that are not cached, with their snapshots.
    async fn load_devices(
        &mut self,
        not_cached: &UncachedAddresses<'_>,
    ) -> Result<Vec<KnownDevice>, StorageError> {
        let mut rows = Vec::new();
        if !not_cached.by_id.is_empty() {
            rows = self.devices_by_id(&not_cached.by_id).await?;
        }
        if !not_cached.by_external_id.is_empty() {
            rows.extend(
                self.devices_by_external_id(&not_cached.by_external_id)
                    .await?,
            );
        }
        rows.into_iter().map(HeldDeviceRow::decode).collect()
    }

    /// Loads the devices with the given ids.
    async fn devices_by_id(&mut self, ids: &[&str]) -> Result<Vec<HeldDeviceRow>, StorageError> {
        Ok(sqlx::query_as!(
            HeldDeviceRow,
            r#"/* acceptance: devices and what is held, by id */
            SELECT d.device_id, d.vehicle_id, d.provider_id, d.external_id, d.active, d.configured_at,
                   d.activated_at, d.activation_id, d.version,
                   s.version AS "held_version?", s.signals AS "signals?: Json<Readings>",
                   s.dropped AS "drops?: Json<Drops>"
            FROM devices d
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            WHERE d.workspace_id = $1 AND d.device_id = ANY ($2)"#,
            self.workspace_id.as_str(),
            ids as &[&str],
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }

    /// Loads the devices with the given external ids.
    async fn devices_by_external_id(
        &mut self,
        addresses: &[(&str, &str)],
    ) -> Result<Vec<HeldDeviceRow>, StorageError> {
        let (provider_ids, external_ids): (Vec<&str>, Vec<&str>) =
            addresses.iter().copied().unzip();
        Ok(sqlx::query_as!(
            HeldDeviceRow,
            r#"/* acceptance: devices and what is held, by external id */
            SELECT d.device_id, d.vehicle_id, d.provider_id, d.external_id, d.active, d.configured_at,
                   d.activated_at, d.activation_id, d.version,
                   s.version AS "held_version?", s.signals AS "signals?: Json<Readings>",
                   s.dropped AS "drops?: Json<Drops>"
            FROM (SELECT DISTINCT * FROM unnest($2::text[], $3::text[])) AS named (provider_id, external_id)
            JOIN devices d
              ON d.workspace_id = $1 AND d.provider_id = named.provider_id AND d.external_id = named.external_id
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id"#,
            self.workspace_id.as_str(),
            &provider_ids as &[&str],
            &external_ids as &[&str],
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }
}

impl<'a> UncachedAddresses<'a> {
    /// Adds the address of a device that is not cached.
    fn add(&mut self, address: &'a Address) {
        match address {
            Address::Device { device_id, .. } => self.by_id.push(device_id.as_str()),
            Address::External {
                provider_id,
                external_id,
            } => self
                .by_external_id
                .push((provider_id.as_str(), external_id.as_str())),
        }
    }
}

/// Adds the connections of a workspace to the registry that a batch is decided by.
pub(super) fn add_connections(registry: &mut Registry, connections: &Connections) {
    for (id, provider_type, enabled) in connections.iter() {
        registry.add_connection(id.clone(), *provider_type, *enabled);
    }
}

/// The columns of a device with its snapshot.
struct HeldDeviceRow {
    device_id: String,
    vehicle_id: String,
    provider_id: String,
    external_id: String,
    active: bool,
    configured_at: DateTime<Utc>,
    activated_at: DateTime<Utc>,
    activation_id: Uuid,
    version: i64,
    held_version: Option<i64>,
    signals: Option<Json<Readings>>,
    drops: Option<Json<Drops>>,
}

impl HeldDeviceRow {
    /// Decodes the device with its snapshot. A device without a snapshot gets an empty one of version 0.
    fn decode(self) -> Result<KnownDevice, StorageError> {
        let device = Device::try_from(DeviceRow {
            device_id: self.device_id,
            vehicle_id: self.vehicle_id,
            provider_id: self.provider_id,
            external_id: self.external_id,
            active: self.active,
            configured_at: self.configured_at,
            activated_at: self.activated_at,
            activation_id: self.activation_id,
            version: self.version,
        })?;
        let held = Held {
            version: self.held_version.unwrap_or(0),
            readings: self.signals.map(|json| json.0).unwrap_or_default(),
            drops: self.drops.map(|json| json.0).unwrap_or_default(),
        };
        Ok(KnownDevice {
            device: Arc::new(device),
            held: Arc::new(held),
        })
    }
}
