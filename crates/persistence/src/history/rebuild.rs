//! Snapshots beside what their history adds up to, and putting right those that differ.

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

/// How far before a baseline the updates after it may have been recorded: instances' clocks differ, and a
/// transaction ends later than it decides. Far more than either; a gap would be told.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// A workspace's events of a day take longer than any statement of a request may.
const STATEMENT_TIMEOUT: &str = "15min";

/// What a device's snapshot is compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuiltDevice {
    /// The device.
    pub device_id: DeviceId,
    /// Its activation.
    pub activation_id: ActivationId,
    /// As it is stored; version 0 where no row is.
    pub stored: Snapshot,
    /// As its history has it.
    pub folded: RebuiltSnapshot,
    /// Whether the history that was read reaches back to a baseline of the activation, or to its start.
    pub is_whole: bool,
}

/// Where the history that is read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The baseline that it begins with, if any.
    pub baseline_at: Option<DateTime<Utc>>,
    /// From when on every event is there: an activation since then needs no baseline.
    pub whole_since: DateTime<Utc>,
}

impl HistoryStart {
    /// Updates since then are read; without a baseline, all.
    pub(crate) fn updates_since(self) -> Option<DateTime<Utc>> {
        self.baseline_at.map(|at| at - OVERLAP)
    }

    /// Whether an activation that has no baseline has all its updates among those that are read.
    fn is_whole_for(self, activated_at: DateTime<Utc>) -> bool {
        activated_at >= self.updates_since().unwrap_or(self.whole_since)
    }
}

impl Store {
    /// Rebuilds every active device of a workspace beside its snapshot and hands each to `compare`. One
    /// statement, which sees every batch whole or not at all: what is compared belongs together, however
    /// many write meanwhile. One device at a time is in memory.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rebuild(
        &self,
        workspace_id: &WorkspaceId,
        start: HistoryStart,
        compare: impl FnMut(RebuiltDevice),
    ) -> Result<(), StorageError> {
        let mut tx = transaction::begin(&self.pool, None).await?;
        rebuild(&mut tx, workspace_id, start, None, compare).await
    }
}

impl UnitOfWork {
    /// The same for some devices, under this unit of work's fence.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rebuild(
        &mut self,
        start: HistoryStart,
        devices: &[DeviceId],
        compare: impl FnMut(RebuiltDevice),
    ) -> Result<(), StorageError> {
        let devices: Vec<String> = devices.iter().map(DeviceId::to_string).collect();
        let only = Some(devices.as_slice());
        rebuild(&mut self.tx, &self.workspace_id, start, only, compare).await
    }

    /// Stores snapshots as they were rebuilt, those that hold nothing not at all, and has every instance
    /// forget what it remembers of this workspace. Under an exclusive fence only: whatever was decided on
    /// what is replaced must not land.
    ///
    /// # Errors
    /// When the store fails.
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
        // Absent of devices that have not reported, whose rows are removed; the table refuses NULL for the others.
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

async fn rebuild(
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
    let mut rows = rows(connection, workspace_id, start, only);
    let mut under_way: Option<Rebuilding> = None;
    while let Some(row) = rows.try_next().await? {
        if row.kind == STORED {
            let next = Rebuilding::begin(&row, start)?;
            if let Some(done) = under_way.replace(next) {
                compare(done.finish());
            }
        } else if let Some(device) = &mut under_way {
            device.take(&row)?;
        }
    }
    if let Some(done) = under_way {
        compare(done.finish());
    }
    Ok(())
}

/// What a row of the statement below is about; of one device they come in this order.
const STORED: i32 = 0;
const BASELINE: i32 = 1;

struct Row {
    device_id: String,
    activation_id: Uuid,
    kind: i32,
    recorded_at: DateTime<Utc>,
    payload: String,
    /// Of an accepted update, and of no other row: its activation, the version that it made, and what it brought.
    update_activation_id: Option<Uuid>,
    version: Option<i64>,
    normalized_values: Option<String>,
}

fn rows<'c>(
    connection: &'c mut PgConnection,
    workspace_id: &'c WorkspaceId,
    start: HistoryStart,
    only: Option<&'c [String]>,
) -> impl Stream<Item = Result<Row, sqlx::Error>> + Send + 'c {
    sqlx::query_as!(
        Row,
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

/// A device whose rows are coming.
struct Rebuilding {
    device_id: DeviceId,
    activation_id: ActivationId,
    stored: Snapshot,
    fold: SnapshotFold,
    is_whole: bool,
}

impl Rebuilding {
    fn begin(row: &Row, start: HistoryStart) -> Result<Self, StorageError> {
        Ok(Self {
            device_id: decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
            activation_id: ActivationId(row.activation_id),
            // What nobody can read holds nothing, and is put right like anything else.
            stored: read::<SnapshotPayload>("snapshot", &row.payload)
                .map_or_else(|_| Snapshot::default(), Snapshot::from),
            fold: SnapshotFold::default(),
            is_whole: start.is_whole_for(row.recorded_at),
        })
    }

    /// Takes in a baseline or an accepted update, if it is of this activation.
    fn take(&mut self, row: &Row) -> Result<(), StorageError> {
        if row.kind == BASELINE {
            let payload: SnapshotPayload = read("baseline", &row.payload)?;
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
            let rare: RareMembers = read("accepted update", &row.payload)?;
            self.fold.take(&RecordedUpdate {
                version,
                recorded_at: row.recorded_at,
                readings: read("normalized_values", values)?,
                dropped: rare.dropped_signals,
            });
        }
        Ok(())
    }

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

/// The members of a `DeviceBaselineRecorded` that are a snapshot's.
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

fn read<'a, T: Deserialize<'a>>(what: &'static str, json: &'a str) -> Result<T, StorageError> {
    serde_json::from_str(json).map_err(|error| StorageError::corrupt(what, error))
}
