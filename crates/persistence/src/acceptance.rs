//! The acceptance path's three statements: what is configured, what is held, and the one that moves
//! snapshots and appends their events.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, Drops, Held, Item, Registry};
use domain::fleet::{Device, ProviderType};
use domain::ids::{ActivationId, CycleId, DeviceId, EnvelopeId, EventId, ProviderId};
use domain::signals::Readings;
use sqlx::types::Json;
use uuid::Uuid;

use crate::memory::{Connections, Remembered};
use crate::{StorageError, UnitOfWork, decode, devices};

/// What is held of the devices that a batch names.
pub type HeldByDevice = HashMap<DeviceId, Arc<Held>>;

/// A snapshot as a batch leaves it.
#[derive(Clone, Debug)]
pub struct MovedSnapshot {
    /// Whose.
    pub device_id: DeviceId,
    /// In which activation.
    pub activation_id: ActivationId,
    /// The version it was decided on.
    pub replaces_version: i64,
    /// What is held now.
    pub held: Arc<Held>,
}

/// The event of one accepted update.
#[derive(Clone, Debug)]
pub struct AcceptedEvent<'a> {
    /// `UUIDv7`.
    pub event_id: EventId,
    /// Whose.
    pub device_id: DeviceId,
    /// The specification's fields, as JSON.
    pub payload: String,
    /// Where it comes from, where that differs within the batch: all events of a batch have one, or none.
    pub origin: Option<Origin<'a>>,
}

/// Where an update comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The envelope that it was interpreted from, if any.
    pub envelope_id: Option<EnvelopeId>,
    /// The W3C trace id that it came with; without one, the batch's counts.
    pub trace_id: Option<&'a str>,
}

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
                (
                    Some(Remembered {
                        device,
                        held: known,
                    }),
                    _,
                ) => {
                    held.insert(device.id.clone(), known);
                    registry.add_device(device);
                }
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
        for (id, provider_type, enabled) in self.connections_for_acceptance().await?.iter() {
            registry.add_connection(id.clone(), *provider_type, *enabled);
        }
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
            let (device, snapshot) = row.decode()?;
            let (device, snapshot) = (Arc::new(device), Arc::new(snapshot));
            held.insert(device.id.clone(), Arc::clone(&snapshot));
            registry.add_device(Arc::clone(&device));
            self.recall.read_device(device, snapshot);
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

    /// Moves snapshots and appends their events, in one statement. A snapshot moves only from the
    /// version it was decided on; answers the devices that did not, because another batch had
    /// overtaken this one. They are locked now: decided anew in this unit of work, they will move.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn move_snapshots(
        &mut self,
        mut snapshots: Vec<MovedSnapshot>,
        events: &[AcceptedEvent<'_>],
        cycle_id: Option<CycleId>,
        trace_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<HashSet<DeviceId>, StorageError> {
        // One order of row locks for all batches: no two can wait for each other in a circle.
        snapshots.sort_unstable_by(|a, b| a.device_id.cmp(&b.device_id));
        let mut columns = SnapshotColumns::with_capacity(snapshots.len());
        for snapshot in &snapshots {
            columns.push(snapshot, now);
        }
        let event_ids: Vec<Uuid> = events.iter().map(|event| event.event_id.0).collect();
        let event_devices: Vec<&str> = events
            .iter()
            .map(|event| event.device_id.as_str())
            .collect();
        let payloads: Vec<&str> = events.iter().map(|event| event.payload.as_str()).collect();
        // Empty where all updates come from the same: `unnest` then has nothing for each.
        let origins = || events.iter().filter_map(|event| event.origin);
        let envelope_ids: Vec<Option<Uuid>> = origins()
            .map(|origin| origin.envelope_id.map(|id| id.0))
            .collect();
        let trace_ids: Vec<Option<&str>> = origins().map(|origin| origin.trace_id).collect();
        // Nearly always all have moved, and nothing needs to be told of each.
        let fewer_moved = sqlx::query_scalar!(
            r#"/* acceptance: move snapshots and append events */
            WITH moved AS (
                INSERT INTO snapshots AS held (
                    workspace_id, device_id, activation_id, version, replaces_version,
                    last_update_received_at, newest_observed_at, signals, dropped
                )
                SELECT $1, device_id, activation_id, version, replaces_version, $2, newest_observed_at,
                       signals::json, dropped::json
                FROM unnest($3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::text[], $9::text[])
                  AS batch (device_id, activation_id, version, replaces_version, newest_observed_at, signals, dropped)
                ON CONFLICT (workspace_id, device_id) DO UPDATE SET
                    version = excluded.version,
                    replaces_version = excluded.replaces_version,
                    last_update_received_at = greatest(held.last_update_received_at, excluded.last_update_received_at),
                    newest_observed_at = excluded.newest_observed_at,
                    signals = excluded.signals,
                    dropped = excluded.dropped
                WHERE held.version = excluded.replaces_version
                RETURNING device_id
            ), recorded AS (
                INSERT INTO event_store (
                    workspace_id, recorded_at, event_id, type, device_id, cycle_id, envelope_id, trace_id, payload
                )
                SELECT $1, $2, event_id, 'TelematicsUpdateAccepted', event.device_id, $10, envelope_id,
                       coalesce(event.trace_id, $11), payload::json
                FROM unnest($12::uuid[], $13::text[], $14::text[], $15::uuid[], $16::text[])
                  AS event (event_id, device_id, payload, envelope_id, trace_id)
                JOIN moved ON moved.device_id = event.device_id
            )
            SELECT array_agg(device_id) AS "moved" FROM moved HAVING count(*) < cardinality($3)"#,
            self.workspace_id.as_str(),
            now,
            &columns.device_ids as &[&str],
            &columns.activation_ids,
            &columns.versions,
            &columns.replaces_versions,
            &columns.newest_observed_at,
            &columns.signals,
            &columns.dropped,
            cycle_id.map(|id| id.0),
            trace_id,
            &event_ids,
            &event_devices as &[&str],
            &payloads as &[&str],
            &envelope_ids as &[Option<Uuid>],
            &trace_ids as &[Option<&str>],
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let mut overtaken = HashSet::new();
        if let Some(moved) = fewer_moved {
            let moved: HashSet<String> = moved.into_iter().flatten().collect();
            snapshots.retain(|snapshot| {
                let has_moved = moved.contains(snapshot.device_id.as_str());
                if !has_moved {
                    overtaken.insert(snapshot.device_id.clone());
                }
                has_moved
            });
        }
        self.recall.distrusted = !overtaken.is_empty();
        for snapshot in snapshots {
            self.recall.moved(snapshot.device_id, snapshot.held);
        }
        Ok(overtaken)
    }
}

/// Snapshots turned into columns, as `unnest` takes them.
struct SnapshotColumns<'s> {
    device_ids: Vec<&'s str>,
    activation_ids: Vec<Uuid>,
    versions: Vec<i64>,
    replaces_versions: Vec<i64>,
    newest_observed_at: Vec<DateTime<Utc>>,
    signals: Vec<String>,
    dropped: Vec<String>,
}

impl<'s> SnapshotColumns<'s> {
    fn with_capacity(count: usize) -> Self {
        Self {
            device_ids: Vec::with_capacity(count),
            activation_ids: Vec::with_capacity(count),
            versions: Vec::with_capacity(count),
            replaces_versions: Vec::with_capacity(count),
            newest_observed_at: Vec::with_capacity(count),
            signals: Vec::with_capacity(count),
            dropped: Vec::with_capacity(count),
        }
    }

    fn push(&mut self, snapshot: &'s MovedSnapshot, now: DateTime<Utc>) {
        let held = &snapshot.held;
        self.device_ids.push(snapshot.device_id.as_str());
        self.activation_ids.push(snapshot.activation_id.0);
        self.versions.push(held.version);
        self.replaces_versions.push(snapshot.replaces_version);
        self.newest_observed_at
            .push(held.readings.newest_observed_at().unwrap_or(now));
        // Maps with text keys of plain values always have a JSON form.
        self.signals
            .push(serde_json::to_string(&held.readings).unwrap_or_default());
        self.dropped
            .push(serde_json::to_string(&held.drops).unwrap_or_default());
    }
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
    fn decode(self) -> Result<(Device, Held), StorageError> {
        let device = Device::try_from(devices::Row {
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
        Ok((device, held))
    }
}
