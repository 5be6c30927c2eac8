//! Moving snapshots and appending their events: one call of the database's for a whole batch.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::Held;
use domain::fleet::Device;
use domain::ids::{ActivationId, CycleId, DeviceId, EnvelopeId, EventId, WorkspaceId};
use domain::signals::{DroppedSignal, Readings};
use sqlx::PgConnection;
use uuid::Uuid;

use super::memory::Standing;
use super::recorded_columns::{EventColumns, SnapshotColumns};
use crate::postgres::{StorageError, UnitOfWork};

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
#[derive(Clone, Copy, Debug)]
pub struct AcceptedEvent<'a> {
    /// `UUIDv7`.
    pub event_id: EventId,
    /// Whose, as it is configured.
    pub device: &'a Device,
    /// The snapshot's version that the update made.
    pub version: i64,
    /// What the update brought.
    pub normalized_values: &'a Readings,
    /// The newest time held once the batch had landed, where the update brought nothing that new.
    pub newest_observed_at: Option<DateTime<Utc>>,
    /// What the update brought in vain.
    pub dropped_signals: &'a [DroppedSignal],
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

/// What all updates of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// When they were prepared from what the provider sent.
    pub prepared_at: DateTime<Utc>,
    /// The W3C trace id of what brought them.
    pub trace_id: Option<&'a str>,
    /// The cycle that they came with.
    pub cycle_id: Option<CycleId>,
}

/// What a batch comes to: the snapshots that it moves, with the events of its accepted updates.
#[derive(Debug)]
pub struct Recording<'a> {
    snapshots: Vec<MovedSnapshot>,
    events: Vec<AcceptedEvent<'a>>,
    delivery: Delivery<'a>,
}

impl<'a> Recording<'a> {
    /// Snapshots, each at most once, and an event for each accepted update.
    pub fn new(
        mut snapshots: Vec<MovedSnapshot>,
        mut events: Vec<AcceptedEvent<'a>>,
        delivery: Delivery<'a>,
    ) -> Self {
        // One order of row locks for all batches: no two can wait for each other in a circle.
        snapshots.sort_unstable_by(|a, b| a.device_id.cmp(&b.device_id));
        events.sort_by(|a, b| a.device.id.cmp(&b.device.id));
        Self {
            snapshots,
            events,
            delivery,
        }
    }

    /// Whether nothing was accepted.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Has the database write it: within a unit of work, or in a transaction of its own where the workspace is
    /// to stand as it is remembered. Answers the devices that did not move; nothing where it stands otherwise.
    ///
    /// # Errors
    /// When the database did not confirm.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        workspace_id: &WorkspaceId,
        remembered: Option<Standing>,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<String>>, sqlx::Error> {
        let snapshots = SnapshotColumns::of(&self.snapshots, now);
        let events = EventColumns::of(&self.events, &self.snapshots);
        // To the last message: what comes after the row may be the commit.
        let overtaken = sqlx::query_scalar!(
            r#"/* acceptance: record updates */
            SELECT record_updates(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::text[]::json[], $15::text[]::json[], $16, $17, $18,
                $19, $20, $21, $22::text[]::json[], $23::text[]::json[], $24, $25
            ) AS overtaken"#,
            workspace_id.as_str(),
            remembered.map(|standing| standing.registry_version),
            remembered.map(|standing| standing.cutover_version),
            now,
            self.delivery.prepared_at,
            self.delivery.cycle_id.map(|id| id.0),
            self.delivery.trace_id,
            events.provider_of_all,
            &snapshots.device_ids as &[&str],
            &snapshots.activation_ids,
            &snapshots.versions,
            &snapshots.replaced_versions,
            &snapshots.newest_observations,
            &snapshots.signals,
            &snapshots.dropped,
            &events.ids,
            &events.vehicle_ids as &[&str],
            &events.provider_ids as &[&str],
            &events.device_ids as &[&str],
            &events.activation_ids,
            &events.versions,
            &events.updated_signals as &[Option<String>],
            &events.rare_members as &[Option<String>],
            &events.envelope_ids as &[Option<Uuid>],
            &events.trace_ids as &[Option<&str>],
        )
        .fetch_all(connection)
        .await?;
        Ok(overtaken.into_iter().next().flatten())
    }

    pub(crate) fn into_snapshots(self) -> Vec<MovedSnapshot> {
        self.snapshots
    }
}

impl UnitOfWork {
    /// Moves snapshots and appends the events of what moved. A snapshot moves only from the version it
    /// was decided on; answers the devices that did not, because another batch had overtaken this one.
    /// They are locked now: decided anew in this unit of work, they will move.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(
        &mut self,
        recording: Recording<'_>,
        now: DateTime<Utc>,
    ) -> Result<HashSet<DeviceId>, StorageError> {
        let overtaken = recording
            .write(&mut self.tx, &self.workspace_id, None, now)
            .await?;
        let overtaken: HashSet<String> = overtaken.into_iter().flatten().collect();
        self.recall.distrusted = !overtaken.is_empty();
        let mut to_decide_anew = HashSet::new();
        for snapshot in recording.snapshots {
            if overtaken.contains(snapshot.device_id.as_str()) {
                to_decide_anew.insert(snapshot.device_id);
            } else {
                self.recall.moved(snapshot.device_id, snapshot.held);
            }
        }
        Ok(to_decide_anew)
    }
}
