//! Daily baselines: events that record each device's configuration and snapshot, so that older events are no longer
//! needed.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::ids::WorkspaceId;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

impl Store {
    /// Loads workspaces without a baseline on a day, in order of id. This is one of the few reads across workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspaces_without_baseline(
        &self,
        day: NaiveDate,
        limit: i64,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* baselines: workspaces without */
            SELECT workspace_id FROM workspaces w
            WHERE NOT EXISTS (SELECT 1 FROM baselines b WHERE b.workspace_id = w.workspace_id AND b.day_begins_at = $1)
            ORDER BY workspace_id
            LIMIT $2"#,
            start_of_day(day),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|id| decode::id(WorkspaceId::try_new, "workspace_id", id))
        .collect()
    }

    /// Loads the time of the newest baseline at or before an instant.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn baseline_at(
        &self,
        workspace_id: &WorkspaceId,
        at: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"/* baselines: newest at an instant */
            SELECT recorded_at FROM baselines
            WHERE workspace_id = $1 AND day_begins_at <= $2 AND recorded_at <= $2
            ORDER BY day_begins_at DESC
            LIMIT 1"#,
            workspace_id.as_str(),
            at,
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Loads the time of the oldest baseline on or after a day.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn oldest_baseline(
        &self,
        workspace_id: &WorkspaceId,
        first_day: NaiveDate,
    ) -> Result<Option<DateTime<Utc>>, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"/* baselines: oldest since a day */
            SELECT recorded_at FROM baselines
            WHERE workspace_id = $1 AND day_begins_at >= $2
            ORDER BY day_begins_at
            LIMIT 1"#,
            workspace_id.as_str(),
            start_of_day(first_day),
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Deletes the records of baselines before a day. The events of these baselines are dropped with their partitions.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn delete_baselines_before(&self, first_kept: NaiveDate) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* baselines: forget */
            DELETE FROM baselines WHERE day_begins_at < $1"#,
            start_of_day(first_kept),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl UnitOfWork {
    /// Claims the recording of the day's baseline. Returns `false` if the day has a baseline already.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn claim_baseline(&mut self, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let claimed = sqlx::query!(
            r#"/* baselines: claim */
            INSERT INTO baselines (workspace_id, day_begins_at, recorded_at) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id, day_begins_at) DO NOTHING"#,
            self.workspace_id.as_str(),
            start_of_day(now.date_naive()),
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(claimed.rows_affected() > 0)
    }

    /// Makes the baseline that is recorded now the day's baseline, in place of an earlier one of that day.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn replace_baseline(&mut self, now: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* baselines: replace */
            INSERT INTO baselines (workspace_id, day_begins_at, recorded_at) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id, day_begins_at) DO UPDATE SET recorded_at = excluded.recorded_at"#,
            self.workspace_id.as_str(),
            start_of_day(now.date_naive()),
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Counts the active devices. Under a fence the number does not change until the unit of work ends.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn count_active_devices(&mut self) -> Result<usize, StorageError> {
        let count = sqlx::query_scalar!(
            r#"/* devices: count active ones */
            SELECT count(*) AS "count!" FROM devices WHERE workspace_id = $1 AND active"#,
            self.workspace_id.as_str(),
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Appends a `DeviceBaselineRecorded` event for each active device, with one of the given ids, and returns their
    /// number. One statement reads configuration and snapshots, so they belong to one instant. Batches may be recorded
    /// at the same time: their updates have later versions than the baseline, whatever their recording time is.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn append_baselines(
        &mut self,
        event_ids: &[Uuid],
        now: DateTime<Utc>,
    ) -> Result<u64, StorageError> {
        let appended = sqlx::query!(
            r#"/* event_store: append baselines */
            INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
            SELECT $1, $2, ids.event_id, 'DeviceBaselineRecorded', d.device_id, json_build_object(
                'vehicle_id', d.vehicle_id, 'provider_id', d.provider_id, 'external_id', d.external_id,
                'configured_at', d.configured_at, 'activated_at', d.activated_at, 'activation_id', d.activation_id,
                'device_version', d.version,
                'version', coalesce(s.version, 0), 'last_update_received_at', s.last_update_received_at,
                'newest_observed_at', s.newest_observed_at, 'signals', coalesce(s.signals, '{}'::json),
                'dropped', coalesce(s.dropped, '{}'::json))
            FROM (SELECT *, row_number() OVER (ORDER BY device_id) AS place FROM devices WHERE workspace_id = $1 AND active) d
            JOIN unnest($3::uuid[]) WITH ORDINALITY AS ids (event_id, place) ON ids.place = d.place
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id"#,
            self.workspace_id.as_str(),
            now,
            event_ids,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(appended.rows_affected())
    }
}

/// Returns the first instant of a day, which is the form of the day in its column.
fn start_of_day(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
