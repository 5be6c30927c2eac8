//! Rebuilds snapshots from their history, to compare them with the stored snapshots and to replace those that
//! differ.

use chrono::{DateTime, TimeDelta, Utc};
use domain::acceptance::{Drops, Held};
use domain::history::{RebuiltSnapshot, RecordedUpdate, Snapshot, SnapshotFold};
use domain::ids::{ActivationId, DeviceId, WorkspaceId};
use domain::signals::Readings;
use futures::{Stream, TryStreamExt};
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::acceptance::RareMembers;
use crate::postgres::driver::{JsonColumn, transaction};
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The time before a baseline from which updates are read, because an update that the baseline does not include may
/// have an earlier recording time: clocks of instances differ, and a transaction commits later than it reads its clock.
/// The value is far greater than both effects; a missing version would be reported.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// The timeout of the rebuilding statement, which may run longer than the statements of requests.
const STATEMENT_TIMEOUT: &str = "15min";

/// A device's stored snapshot and the snapshot that was rebuilt from the device's history.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuiltDevice {
    /// The device.
    pub device_id: DeviceId,
    /// The current activation of the device.
    pub activation_id: ActivationId,
    /// The stored snapshot; an empty one of version 0 if the device has no row.
    pub stored: Snapshot,
    /// The snapshot that follows from the history.
    pub folded: RebuiltSnapshot,
    /// Whether the history reaches back to a baseline of the activation, or to the activation's start.
    pub is_whole: bool,
}

/// The start of the history that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The time of the baseline that the history begins with, if there is one.
    pub baseline_at: Option<DateTime<Utc>>,
    /// The time since which no event has been removed. An activation after this time needs no baseline.
    pub whole_since: DateTime<Utc>,
}

impl HistoryStart {
    /// Returns the time since which updates are read; `None` means that all updates are read.
    pub(crate) fn updates_since(self) -> Option<DateTime<Utc>> {
        self.baseline_at.map(|at| at - OVERLAP)
    }

    /// Returns whether the history includes all updates of an activation that has no baseline.
    fn is_whole_for(self, activated_at: DateTime<Utc>) -> bool {
        activated_at >= self.updates_since().unwrap_or(self.whole_since)
    }
}

impl Store {
    /// Rebuilds the snapshot of every active device of a workspace, and calls `compare` with each device. One statement
    /// reads snapshots and events, so each batch is seen as a whole or not at all, even while batches are recorded.
    /// Only one device at a time is in memory.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rebuild(
        &self,
        workspace_id: &WorkspaceId,
        start: HistoryStart,
        compare: impl FnMut(RebuiltDevice),
    ) -> Result<(), StorageError> {
        let mut tx = transaction::begin(&self.pool, None).await?;
        rebuild_devices(&mut tx, workspace_id, start, None, compare).await
    }
}

impl UnitOfWork {
    /// Rebuilds the snapshots of the given devices, protected by this unit of work's fence, and calls `compare` with
    /// each.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rebuild(
        &mut self,
        start: HistoryStart,
        devices: &[DeviceId],
        compare: impl FnMut(RebuiltDevice),
    ) -> Result<(), StorageError> {
        let devices: Vec<String> = devices.iter().map(DeviceId::to_string).collect();
        let only = Some(devices.as_slice());
        rebuild_devices(&mut self.tx, &self.workspace_id, start, only, compare).await
    }

    /// Replaces stored snapshots with rebuilt ones, and removes the rows of snapshots that are empty. The new registry
    /// version makes every instance discard its cached devices of this workspace. The caller holds the exclusive fence,
    /// so that no decision made on a replaced snapshot is recorded.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn replace_snapshots(
        &mut self,
        devices: &[RebuiltDevice],
    ) -> Result<(), StorageError> {
        let ids: Vec<&str> = devices
            .iter()
            .map(|device| device.device_id.as_str())
            .collect();
        let activations: Vec<Uuid> = devices
            .iter()
            .map(|device| device.activation_id.0)
            .collect();
        let rebuilt = || devices.iter().map(|device| &device.folded.snapshot);
        let versions: Vec<i64> = rebuilt().map(|snapshot| snapshot.held.version).collect();
        // A device without reports has no times; its row is removed, so the table never gets the NULL.
        let received: Vec<Option<DateTime<Utc>>> = rebuilt()
            .map(|snapshot| snapshot.last_update_received_at)
            .collect();
        let newest: Vec<Option<DateTime<Utc>>> = rebuilt()
            .map(|snapshot| snapshot.newest_observed_at)
            .collect();
        let held = || rebuilt().map(|snapshot| &snapshot.held);
        let signals: Vec<_> = held().map(|held| JsonColumn(&held.readings)).collect();
        let dropped: Vec<_> = held().map(|held| JsonColumn(&held.drops)).collect();
        sqlx::query!(
            r#"/* snapshots: replace by what was rebuilt */
            WITH rebuilt AS (
                SELECT * FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::json[], $8::json[])
                  AS device (device_id, activation_id, version, received_at, newest_observed_at, signals, dropped)
            ), emptied AS (
                DELETE FROM snapshots USING rebuilt
                WHERE snapshots.workspace_id = $1 AND snapshots.device_id = rebuilt.device_id AND rebuilt.version = 0
            )
            INSERT INTO snapshots (
                workspace_id, device_id, activation_id, version, replaces_version,
                last_update_received_at, newest_observed_at, signals, dropped
            )
            SELECT $1, device_id, activation_id, version, version - 1, received_at, newest_observed_at, signals, dropped
            FROM rebuilt WHERE version > 0
            ORDER BY device_id
            ON CONFLICT (workspace_id, device_id) DO UPDATE SET
                activation_id = excluded.activation_id, version = excluded.version,
                replaces_version = excluded.replaces_version,
                last_update_received_at = excluded.last_update_received_at,
                newest_observed_at = excluded.newest_observed_at,
                signals = excluded.signals, dropped = excluded.dropped"#,
            self.workspace_id.as_str(),
            &ids as &[&str],
            &activations,
            &versions,
            &received as &[Option<DateTime<Utc>>],
            &newest as &[Option<DateTime<Utc>>],
            &signals as &[JsonColumn<&Readings>],
            &dropped as &[JsonColumn<&Drops>],
        )
        .execute(&mut *self.tx)
        .await?;
        self.bump_registry_version().await
    }
}

/// Streams the history of the wanted devices, and calls `compare` when the rows of a device are complete.
async fn rebuild_devices(
    connection: &mut PgConnection,
    workspace_id: &WorkspaceId,
    start: HistoryStart,
    only: Option<&[String]>,
    mut compare: impl FnMut(RebuiltDevice),
) -> Result<(), StorageError> {
    sqlx::query!(
        r#"/* history: patience, to the end of the transaction */
        SELECT set_config('statement_timeout', $1, true)"#,
        STATEMENT_TIMEOUT,
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut rows = stream_history(connection, workspace_id, start, only);
    let mut current: Option<DeviceRebuild> = None;
    while let Some(row) = rows.try_next().await? {
        if row.kind == STORED {
            let next = DeviceRebuild::begin(&row, start)?;
            if let Some(done) = current.replace(next) {
                compare(done.finish());
            }
        } else if let Some(device) = &mut current {
            device.apply(&row)?;
        }
    }
    if let Some(done) = current {
        compare(done.finish());
    }
    Ok(())
}

/// The kind of a row with the stored snapshot, which is the first row of every device.
const STORED: i32 = 0;
/// The kind of a row with a baseline, which comes before the updates of its device.
const BASELINE: i32 = 1;

/// One row of the history of a device.
struct HistoryRow {
    device_id: String,
    activation_id: Uuid,
    kind: i32,
    recorded_at: DateTime<Utc>,
    payload: String,
    /// The activation of an accepted update; `None` in other rows, like the two fields after it.
    update_activation_id: Option<Uuid>,
    version: Option<i64>,
    normalized_values: Option<String>,
}

/// Streams the rows of the wanted devices: for each device its stored snapshot, then baseline, then accepted updates.
fn stream_history<'c>(
    connection: &'c mut PgConnection,
    workspace_id: &'c WorkspaceId,
    start: HistoryStart,
    only: Option<&'c [String]>,
) -> impl Stream<Item = Result<HistoryRow, sqlx::Error>> + Send + 'c {
    sqlx::query_as!(
        HistoryRow,
        r#"/* history: snapshots and what they follow from */
        WITH wanted AS (
            SELECT device_id, activated_at, activation_id FROM devices
            WHERE workspace_id = $1 AND active AND ($4::text[] IS NULL OR device_id = ANY ($4))
        )
        SELECT device_id AS "device_id!", activation_id AS "activation_id!", kind AS "kind!",
               recorded_at AS "recorded_at!", payload AS "payload!", update_activation_id, version, normalized_values
        FROM (
            SELECT d.device_id, d.activation_id, 0 AS kind, d.activated_at AS recorded_at, NULL::uuid AS event_id,
                   NULL::uuid AS update_activation_id, NULL::bigint AS version, NULL::text AS normalized_values, json_build_object(
                       'version', coalesce(s.version, 0), 'last_update_received_at', s.last_update_received_at,
                       'newest_observed_at', s.newest_observed_at, 'signals', coalesce(s.signals, '{}'::json),
                       'dropped', coalesce(s.dropped, '{}'::json))::text AS payload
            FROM wanted d
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            UNION ALL
            SELECT d.device_id, d.activation_id, 1, e.recorded_at, e.event_id, NULL, NULL, NULL, e.payload::text
            FROM event_store e
            JOIN wanted d ON d.device_id = e.device_id
            WHERE e.workspace_id = $1 AND e.recorded_at = $2 AND e.type = 'DeviceBaselineRecorded'
            UNION ALL
            SELECT d.device_id, d.activation_id, 2, e.recorded_at, e.event_id, e.activation_id, e.version,
                   e.normalized_values::text, e.payload::text
            FROM event_store e
            JOIN wanted d ON d.device_id = e.device_id
            WHERE e.workspace_id = $1 AND e.recorded_at >= coalesce($3::timestamptz, '-infinity') AND e.type = 'TelematicsUpdateAccepted'
        ) AS history
        ORDER BY device_id, kind, version, recorded_at, event_id"#,
        workspace_id.as_str(),
        start.baseline_at,
        start.updates_since(),
        only,
    )
    .fetch(connection)
}

/// The rebuilding of one device, while its rows are read.
struct DeviceRebuild {
    device_id: DeviceId,
    activation_id: ActivationId,
    stored: Snapshot,
    fold: SnapshotFold,
    is_whole: bool,
}

impl DeviceRebuild {
    /// Starts with the row of the stored snapshot.
    fn begin(row: &HistoryRow, start: HistoryStart) -> Result<Self, StorageError> {
        Ok(Self {
            device_id: decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
            activation_id: ActivationId(row.activation_id),
            // A snapshot that cannot be parsed counts as empty, so that the repair replaces it.
            stored: parse_json::<SnapshotPayload>("snapshot", &row.payload)
                .map_or_else(|_| Snapshot::default(), Snapshot::from),
            fold: SnapshotFold::default(),
            is_whole: start.is_whole_for(row.recorded_at),
        })
    }

    /// Applies a baseline or an accepted update, if it belongs to the current activation.
    fn apply(&mut self, row: &HistoryRow) -> Result<(), StorageError> {
        if row.kind == BASELINE {
            let payload: SnapshotPayload = parse_json("baseline", &row.payload)?;
            if payload.activation_id == Some(self.activation_id) {
                self.fold = SnapshotFold::from(payload.into());
                self.is_whole = true;
            }
            return Ok(());
        }
        let (Some(activation_id), Some(version), Some(values)) = (
            row.update_activation_id,
            row.version,
            &row.normalized_values,
        ) else {
            let event = (&row.device_id, row.recorded_at);
            return Err(StorageError::corrupt("accepted update's columns", event));
        };
        if ActivationId(activation_id) == self.activation_id {
            let rare: RareMembers = parse_json("accepted update", &row.payload)?;
            self.fold.take(&RecordedUpdate {
                version,
                recorded_at: row.recorded_at,
                readings: parse_json("normalized_values", values)?,
                dropped: rare.dropped_signals,
            });
        }
        Ok(())
    }

    /// Returns the device with both snapshots.
    fn finish(self) -> RebuiltDevice {
        RebuiltDevice {
            device_id: self.device_id,
            activation_id: self.activation_id,
            stored: self.stored,
            folded: self.fold.finish(),
            is_whole: self.is_whole,
        }
    }
}

/// The members of a `DeviceBaselineRecorded` event that make up a snapshot.
#[derive(Deserialize)]
struct SnapshotPayload {
    activation_id: Option<ActivationId>,
    version: i64,
    last_update_received_at: Option<DateTime<Utc>>,
    newest_observed_at: Option<DateTime<Utc>>,
    signals: Readings,
    dropped: Drops,
}

impl From<SnapshotPayload> for Snapshot {
    fn from(payload: SnapshotPayload) -> Self {
        Self {
            held: Held {
                version: payload.version,
                readings: payload.signals,
                drops: payload.dropped,
            },
            last_update_received_at: payload.last_update_received_at,
            newest_observed_at: payload.newest_observed_at,
        }
    }
}

/// Parses a stored JSON text; `what` names the text in the error.
fn parse_json<'a, T: Deserialize<'a>>(
    what: &'static str,
    json: &'a str,
) -> Result<T, StorageError> {
    serde_json::from_str(json).map_err(|error| StorageError::corrupt(what, error))
}
