//! Daily baselines: what is held of each device, written down as events, so that the history before them
//! is needed no more.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::ids::WorkspaceId;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

impl Store {
    /// Workspaces without a baseline on a day, in order of id. One of the few reads across workspaces.
    ///
    /// # Errors
    /// When the store fails.
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
            begin_of(day),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|id| decode::id(WorkspaceId::try_new, "workspace_id", id))
        .collect()
    }

    /// The newest baseline at an instant or before.
    ///
    /// # Errors
    /// When the store fails.
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

    /// The oldest baseline on a day or later.
    ///
    /// # Errors
    /// When the store fails.
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
            begin_of(first_day),
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// Forgets that days before this one had baselines: their events go with their partitions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_baselines(&self, first_kept: NaiveDate) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* baselines: forget */
            DELETE FROM baselines WHERE day_begins_at < $1"#,
            begin_of(first_kept),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl UnitOfWork {
    /// Takes it on to record the day's baseline; `false` where that is done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_baseline(&mut self, now: DateTime<Utc>) -> Result<bool, StorageError> {
        let claimed = sqlx::query!(
            r#"/* baselines: claim */
            INSERT INTO baselines (workspace_id, day_begins_at, recorded_at) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id, day_begins_at) DO NOTHING"#,
            self.workspace_id.as_str(),
            begin_of(now.date_naive()),
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(claimed.rows_affected() > 0)
    }

    /// Has the day begin anew with the baseline that is recorded now: an earlier one of the day counts no
    /// more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn replace_baseline(&mut self, now: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* baselines: replace */
            INSERT INTO baselines (workspace_id, day_begins_at, recorded_at) VALUES ($1, $2, $3)
            ON CONFLICT (workspace_id, day_begins_at) DO UPDATE SET recorded_at = excluded.recorded_at"#,
            self.workspace_id.as_str(),
            begin_of(now.date_naive()),
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// How many active devices there are; under a fence, as many as there will be.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Appends a `DeviceBaselineRecorded` for each active device, with one of the ids: its configuration
    /// and its snapshot, as one statement sees them. Batches go on meanwhile: what they bring is of a
    /// later version than the baseline says, whenever it is recorded.
    ///
    /// # Errors
    /// When the store fails.
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

/// A day as its column has it.
fn begin_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
