//! Moving snapshots and appending their events: one call of the database's for a whole batch.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::acceptance::Held;
use domain::ids::{ActivationId, CycleId, DeviceId, EnvelopeId, EventId, WorkspaceId};
use domain::signals::Readings;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::memory::Standing;
use crate::{StorageError, UnitOfWork};

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
    /// The specification's fields but for `normalized_values`, as a JSON object.
    pub payload: String,
    /// `normalized_values`: what the update brought.
    pub normalized_values: &'a Readings,
    /// Where it comes from, where that differs within the batch: all events of a batch have one, or none.
    pub origin: Option<Origin<'a>>,
}

impl AcceptedEvent<'_> {
    fn head(&self) -> &str {
        self.payload.strip_suffix('}').unwrap_or(&self.payload)
    }
}

/// Where an update comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The envelope that it was interpreted from, if any.
    pub envelope_id: Option<EnvelopeId>,
    /// The W3C trace id that it came with; without one, the batch's counts.
    pub trace_id: Option<&'a str>,
}

/// What a batch comes to: the snapshots that it moves, with the events of its accepted updates.
#[derive(Debug)]
pub struct Recording<'a> {
    snapshots: Vec<MovedSnapshot>,
    events: Vec<AcceptedEvent<'a>>,
    trace_id: Option<&'a str>,
    cycle_id: Option<CycleId>,
}

impl<'a> Recording<'a> {
    /// Snapshots, each at most once, and an event for each accepted update; the trace, and the cycle, that
    /// brought them.
    pub fn new(
        mut snapshots: Vec<MovedSnapshot>,
        mut events: Vec<AcceptedEvent<'a>>,
        trace_id: Option<&'a str>,
        cycle_id: Option<CycleId>,
    ) -> Self {
        // One order of row locks for all batches: no two can wait for each other in a circle.
        snapshots.sort_unstable_by(|a, b| a.device_id.cmp(&b.device_id));
        events.sort_by(|a, b| a.device_id.cmp(&b.device_id));
        Self {
            snapshots,
            events,
            trace_id,
            cycle_id,
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
            SELECT record_updates($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) AS overtaken"#,
            workspace_id.as_str(),
            remembered.map(|standing| standing.registry_version),
            remembered.map(|standing| standing.cutover_version),
            now,
            self.cycle_id.map(|id| id.0),
            self.trace_id,
            &snapshots.device_ids as &[&str],
            &snapshots.activation_ids,
            &snapshots.versions,
            &snapshots.replaced_versions,
            &snapshots.newest_observations,
            &snapshots.signals,
            &snapshots.dropped,
            &events.ids,
            &events.device_ids as &[&str],
            &events.payload_heads as &[&str],
            &events.updated_signals as &[Option<String>],
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

/// Snapshots turned into columns, as the database's function takes them.
struct SnapshotColumns<'r> {
    device_ids: Vec<&'r str>,
    activation_ids: Vec<Uuid>,
    versions: Vec<i64>,
    replaced_versions: Vec<i64>,
    newest_observations: Vec<DateTime<Utc>>,
    signals: Vec<String>,
    /// Empty where nothing was dropped of any.
    dropped: Vec<String>,
}

impl<'r> SnapshotColumns<'r> {
    fn of(snapshots: &'r [MovedSnapshot], now: DateTime<Utc>) -> Self {
        let held = || snapshots.iter().map(|snapshot| &snapshot.held);
        Self {
            device_ids: snapshots
                .iter()
                .map(|snapshot| snapshot.device_id.as_str())
                .collect(),
            activation_ids: snapshots
                .iter()
                .map(|snapshot| snapshot.activation_id.0)
                .collect(),
            versions: held().map(|held| held.version).collect(),
            replaced_versions: snapshots
                .iter()
                .map(|snapshot| snapshot.replaces_version)
                .collect(),
            newest_observations: held()
                .map(|held| held.readings.newest_observed_at().unwrap_or(now))
                .collect(),
            signals: held().map(|held| json(&held.readings)).collect(),
            dropped: if held().all(|held| held.drops.is_empty()) {
                Vec::new()
            } else {
                held().map(|held| json(&held.drops)).collect()
            },
        }
    }
}

/// Events likewise.
struct EventColumns<'r> {
    ids: Vec<Uuid>,
    device_ids: Vec<&'r str>,
    /// Without the end of the object.
    payload_heads: Vec<&'r str>,
    /// What an update brought, unless that is all that the snapshot in its place holds, as of one that tells
    /// all signals.
    updated_signals: Vec<Option<String>>,
    /// Empty where all updates come from the same: `unnest` then has nothing for each.
    envelope_ids: Vec<Option<Uuid>>,
    trace_ids: Vec<Option<&'r str>>,
}

impl<'r> EventColumns<'r> {
    fn of(events: &'r [AcceptedEvent<'_>], snapshots: &[MovedSnapshot]) -> Self {
        let origins = || events.iter().filter_map(|event| event.origin);
        Self {
            ids: events.iter().map(|event| event.event_id.0).collect(),
            device_ids: events
                .iter()
                .map(|event| event.device_id.as_str())
                .collect(),
            payload_heads: events.iter().map(AcceptedEvent::head).collect(),
            updated_signals: events
                .iter()
                .enumerate()
                .map(|(place, event)| {
                    let is_told = snapshots.get(place).is_some_and(|snapshot| {
                        snapshot.device_id == event.device_id
                            && snapshot.held.readings == *event.normalized_values
                    });
                    (!is_told).then(|| json(event.normalized_values))
                })
                .collect(),
            envelope_ids: origins()
                .map(|origin| origin.envelope_id.map(|id| id.0))
                .collect(),
            trace_ids: origins().map(|origin| origin.trace_id).collect(),
        }
    }
}

/// Maps with text keys of plain values always have a JSON form.
fn json(map: &impl Serialize) -> String {
    serde_json::to_string(map).unwrap_or_default()
}
