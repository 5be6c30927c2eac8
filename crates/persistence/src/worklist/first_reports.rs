//! Marking activations that have reported, so that a search for devices that never reported reads few rows.

use domain::ids::WorkspaceId;

use crate::postgres::{StorageError, Store, decode};

impl Store {
    /// Loads at most `limit` workspaces that have a device whose first report is not marked yet. This is one of the few
    /// reads across workspaces; it reads unmarked devices only.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspaces_with_first_reports(
        &self,
        limit: i64,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* devices: first reports to note */
            SELECT DISTINCT d.workspace_id
            FROM devices d
            JOIN snapshots s ON s.workspace_id = d.workspace_id AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            WHERE d.unreported
            LIMIT $1"#,
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|id| decode::id(WorkspaceId::try_new, "workspace_id", id))
        .collect()
    }

    /// Marks a workspace's first reports, and returns their number. Devices that another transaction has locked are
    /// left for the next call.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_first_reports(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<u64, StorageError> {
        let noted = sqlx::query!(
            r#"/* devices: note first reports */
            WITH reported AS (
                SELECT d.device_id, d.activation_id
                FROM devices d
                JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
                WHERE d.workspace_id = $1 AND d.unreported
                ORDER BY d.device_id
                FOR NO KEY UPDATE OF d SKIP LOCKED
            )
            UPDATE devices d SET reported_in = reported.activation_id
            FROM reported
            WHERE d.workspace_id = $1 AND d.device_id = reported.device_id"#,
            workspace_id.as_str(),
        )
        .execute(&self.pool)
        .await?;
        Ok(noted.rows_affected())
    }
}
