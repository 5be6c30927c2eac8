//! Loading devices with their snapshots, for the API's reads.

use chrono::{DateTime, Utc};
use domain::acceptance::{Drops, Held};
use domain::history::StoredSnapshot;
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use domain::signals::Readings;
use sqlx::types::Json;

use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, decode};

/// The columns of a device with its snapshot; the snapshot's columns are `None` if the device has not reported.
struct SnapshotRow {
    device_id: String,
    vehicle_id: String,
    provider_id: String,
    activated_at: DateTime<Utc>,
    declared_interval_minutes: Option<i32>,
    version: Option<i64>,
    last_update_received_at: Option<DateTime<Utc>>,
    newest_observed_at: Option<DateTime<Utc>>,
    signals: Option<Json<Readings>>,
    drops: Option<Json<Drops>>,
}

impl TryFrom<SnapshotRow> for StoredSnapshot {
    type Error = StorageError;

    fn try_from(row: SnapshotRow) -> Result<Self, StorageError> {
        Ok(Self {
            device_id: decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
            vehicle_id: decode::id(VehicleId::try_new, "vehicle_id", &row.vehicle_id)?,
            provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
            activated_at: row.activated_at,
            declared_interval_minutes: row
                .declared_interval_minutes
                .and_then(|minutes| u32::try_from(minutes).ok()),
            last_update_received_at: row.last_update_received_at,
            newest_observed_at: row.newest_observed_at,
            held: Held {
                version: row.version.unwrap_or(0),
                readings: row.signals.map(|json| json.0).unwrap_or_default(),
                drops: row.drops.map(|json| json.0).unwrap_or_default(),
            },
        })
    }
}

impl Store {
    /// Loads a page of active devices with their snapshots, in order of id: only devices of `vehicle_id`, and only
    /// those after the id `after`, if given. The statement limits the devices before it looks up snapshots, so that its
    /// cost does not grow with the workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn snapshots(
        &self,
        workspace_id: &WorkspaceId,
        vehicle_id: Option<&VehicleId>,
        after: Option<&DeviceId>,
        limit: i64,
    ) -> Result<Vec<StoredSnapshot>, StorageError> {
        let rows = sqlx::query_as!(
            SnapshotRow,
            r#"/* snapshots: page */
            SELECT d.device_id AS "device_id!", d.vehicle_id AS "vehicle_id!", d.provider_id AS "provider_id!",
                   d.activated_at AS "activated_at!",
                   c.expected_reporting_interval_minutes AS "declared_interval_minutes?",
                   s.version AS "version?", s.last_update_received_at AS "last_update_received_at?",
                   s.newest_observed_at AS "newest_observed_at?", s.signals AS "signals?: Json<Readings>",
                   s.dropped AS "drops?: Json<Drops>"
            FROM (
                SELECT device_id, vehicle_id, provider_id, activated_at, activation_id FROM devices
                WHERE workspace_id = $1 AND active AND device_id > $2
                  -- CASE in place of OR: with OR the planner expects hardly any row, and sorts all devices of the workspace.
                  AND CASE WHEN $3::text IS NULL THEN true ELSE vehicle_id = $3 END
                ORDER BY device_id
                LIMIT $4
            ) d
            LEFT JOIN LATERAL (
                SELECT * FROM snapshots WHERE workspace_id = $1 AND device_id = d.device_id AND activation_id = d.activation_id
            ) s ON true
            LEFT JOIN provider_connections c ON c.workspace_id = $1 AND c.provider_id = d.provider_id
            ORDER BY d.device_id"#,
            workspace_id.as_str(),
            after.map_or("", DeviceId::as_str),
            vehicle_id.map(VehicleId::as_str),
            limit,
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(StoredSnapshot::try_from)
            .collect()
    }

    /// Loads one active device with its snapshot; `None` if there is no such device.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn snapshot(
        &self,
        workspace_id: &WorkspaceId,
        device_id: &DeviceId,
    ) -> Result<Option<StoredSnapshot>, StorageError> {
        sqlx::query_as!(
            SnapshotRow,
            r#"/* snapshots: one */
            SELECT d.device_id, d.vehicle_id, d.provider_id, d.activated_at,
                   c.expected_reporting_interval_minutes AS "declared_interval_minutes?",
                   s.version AS "version?", s.last_update_received_at AS "last_update_received_at?",
                   s.newest_observed_at AS "newest_observed_at?", s.signals AS "signals?: Json<Readings>",
                   s.dropped AS "drops?: Json<Drops>"
            FROM devices d
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            LEFT JOIN provider_connections c ON c.workspace_id = $1 AND c.provider_id = d.provider_id
            WHERE d.workspace_id = $1 AND d.device_id = $2 AND d.active"#,
            workspace_id.as_str(),
            device_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await?
        .map(StoredSnapshot::try_from)
        .transpose()
    }
}
