//! Cursors of provider feeds. A cursor is committed together with the updates before it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, DeviceId, ProviderId, WorkspaceId};
use domain::polling::{FeedCursor, HeldCursor};

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

impl Store {
    /// Loads the latest committed cursors of a connection, by the names of their feeds.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn held_cursors(
        &self,
        workspace_id: &WorkspaceId,
        provider_id: &ProviderId,
    ) -> Result<HashMap<String, HeldCursor>, StorageError> {
        sqlx::query!(
            r#"/* provider_cursors: of a connection */
            SELECT feed, cursor, connection_version, read_anew_at FROM provider_cursors
            WHERE workspace_id = $1 AND provider_id = $2"#,
            workspace_id.as_str(),
            provider_id.as_str(),
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let held = HeldCursor {
                cursor: FeedCursor::try_new(&row.cursor)
                    .map_err(|_| StorageError::corrupt("cursor", row.cursor))?,
                connection_version: row.connection_version,
                read_anew_at: row.read_anew_at,
            };
            Ok((row.feed, held))
        })
        .collect()
    }
}

impl UnitOfWork {
    /// Stores the cursor of a feed. The caller accepts the updates before the cursor in the same unit of work, under
    /// the lease of the cycle that fetched them. Nothing is stored if the connection was changed since the poll.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_cursor(
        &mut self,
        provider_id: &ProviderId,
        feed: &str,
        held: &HeldCursor,
        cycle_id: CycleId,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* provider_cursors: keep */
            INSERT INTO provider_cursors (
                workspace_id, provider_id, feed, cursor, connection_version, read_anew_at, cycle_id, committed_at
            )
            SELECT $1, provider_id, $3, $4, version, $6, $7, $8 FROM provider_connections
            WHERE workspace_id = $1 AND provider_id = $2 AND version = $5
            ON CONFLICT (workspace_id, provider_id, feed) DO UPDATE SET
                cursor = excluded.cursor, connection_version = excluded.connection_version,
                read_anew_at = excluded.read_anew_at, cycle_id = excluded.cycle_id,
                committed_at = excluded.committed_at"#,
            self.workspace_id.as_str(),
            provider_id.as_str(),
            feed,
            held.cursor.as_str(),
            held.connection_version,
            held.read_anew_at,
            cycle_id.0,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Loads the active devices of a connection that were missing when the feed was last read from its start, and that
    /// the provider has not named since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn absent_devices(
        &mut self,
        provider_id: &ProviderId,
    ) -> Result<Vec<DeviceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* device_absences: of a connection */
            SELECT d.device_id FROM devices d
            JOIN device_absences a ON a.workspace_id = d.workspace_id AND a.device_id = d.device_id
                AND a.activation_id = d.activation_id
            WHERE d.workspace_id = $1 AND d.provider_id = $2 AND d.active"#,
            self.workspace_id.as_str(),
            provider_id.as_str(),
        )
        .fetch_all(&mut *self.tx)
        .await?
        .iter()
        .map(|id| decode::id(DeviceId::try_new, "device_id", id))
        .collect()
    }
}
