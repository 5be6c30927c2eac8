//! What a batch is judged by: what is configured, and what is held.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, Drops, Held, Item, Registry};
use domain::fleet::{Device, ProviderType};
use domain::ids::{DeviceId, ProviderId};
use domain::signals::Readings;
use sqlx::types::Json;
use uuid::Uuid;

use super::memory::{Connections, Remembered};
use crate::fleet::DeviceRow;
use crate::postgres::{StorageError, UnitOfWork, decode};

/// What is held of the devices that a batch names.
pub type HeldByDevice = HashMap<DeviceId, Arc<Held>>;

impl UnitOfWork {
    /// The configuration and the held snapshots that a batch names: from memory what this instance
    /// remembers, else by one statement for connections and one for each way of naming devices,
    /// whatever the batch's size.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn load_for_acceptance<'i>(
        &mut self,
        items: impl Iterator<Item = &'i Item>,
    ) -> Result<(Registry, HeldByDevice), StorageError> {
        let mut registry = Registry::default();
        let mut held = HeldByDevice::new();
        let mut ids = Vec::new();
        let (mut providers, mut names) = (Vec::new(), Vec::new());
        let addresses: Vec<&Address> = items.filter_map(Item::address).collect();
        let remembered = self.recall.devices(addresses.iter().copied());
        for (address, remembered) in addresses.into_iter().zip(remembered) {
            match (remembered, address) {
                (Some(known), _) => add_device(known, &mut registry, &mut held),
                (None, Address::Device { device_id, .. }) => {
                    ids.push(device_id.as_str().to_owned());
                }
                (
                    None,
                    Address::External {
                        provider_id,
                        external_id,
                    },
                ) => {
                    providers.push(provider_id.as_str().to_owned());
                    names.push(external_id.as_str().to_owned());
                }
            }
        }
        add_connections(&self.connections_for_acceptance().await?, &mut registry);
        if !ids.is_empty() {
            let rows = self.devices_by_id(&ids).await?;
            self.add_rows(rows, &mut registry, &mut held)?;
        }
        if !names.is_empty() {
            let rows = self.devices_by_external_id(&providers, &names).await?;
            self.add_rows(rows, &mut registry, &mut held)?;
        }
        Ok((registry, held))
    }

    async fn connections_for_acceptance(&mut self) -> Result<Connections, StorageError> {
        if let Some(connections) = self.recall.connections() {
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
        self.recall.read_connections(Arc::clone(&connections));
        Ok(connections)
    }

    fn add_rows(
        &mut self,
        rows: Vec<HeldRow>,
        registry: &mut Registry,
        held: &mut HeldByDevice,
    ) -> Result<(), StorageError> {
        for row in rows {
            let known = row.decode()?;
            add_device(known.clone(), registry, held);
            self.recall.read_device(known);
        }
        Ok(())
    }

    async fn devices_by_id(&mut self, ids: &[String]) -> Result<Vec<HeldRow>, StorageError> {
        Ok(sqlx::query_as!(
            HeldRow,
            r#"/* acceptance: devices and what is held, by id */
            SELECT d.device_id, d.vehicle_id, d.provider_id, d.external_id, d.active, d.configured_at,
                   d.activated_at, d.activation_id, d.version,
                   s.version AS "held_version?", s.signals AS "signals?: Json<Readings>",
                   s.dropped AS "drops?: Json<Drops>"
            FROM devices d
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            WHERE d.workspace_id = $1 AND d.device_id = ANY ($2)"#,
            self.workspace_id.as_str(),
            ids,
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }

    async fn devices_by_external_id(
        &mut self,
        providers: &[String],
        names: &[String],
    ) -> Result<Vec<HeldRow>, StorageError> {
        Ok(sqlx::query_as!(
            HeldRow,
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
            providers,
            names,
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }
}

/// Adds what is known of connections to what a batch is judged by.
pub(crate) fn add_connections(known: &Connections, registry: &mut Registry) {
    for (id, provider_type, enabled) in known.iter() {
        registry.add_connection(id.clone(), *provider_type, *enabled);
    }
}

/// Adds a device, and what is held of it.
pub(crate) fn add_device(known: Remembered, registry: &mut Registry, held: &mut HeldByDevice) {
    held.insert(known.device.id.clone(), known.held);
    registry.add_device(known.device);
}

struct HeldRow {
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

impl HeldRow {
    /// The device, and what is held of it: nothing, at version 0, where there is no row.
    fn decode(self) -> Result<Remembered, StorageError> {
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
        Ok(Remembered {
            device: Arc::new(device),
            held: Arc::new(held),
        })
    }
}
