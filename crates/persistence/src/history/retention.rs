//! Removing records that are past their retention, in bounded batches.

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, SweepId, WorkspaceId};
use domain::polling::CycleStatus;
use domain::sweeps::SweepStatus;

use crate::postgres::{StorageError, Store};

impl Store {
    /// Removes at most `limit` of a workspace's oldest ended cycles with an id before `first_kept`, and the reports of
    /// their connections. Also removes the hourly counts of slots whose hour ended before `before`. Returns the number
    /// of removed cycles.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_cycles_before(
        &self,
        workspace_id: &WorkspaceId,
        first_kept: CycleId,
        before: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64, StorageError> {
        let removed = sqlx::query!(
            r#"/* poll_cycles: remove old ones */
            WITH old AS (
                SELECT cycle_id FROM poll_cycles
                WHERE workspace_id = $1 AND cycle_id < $2 AND status = ANY ($5)
                ORDER BY cycle_id LIMIT $3
            ), given AS (
                DELETE FROM poll_cycle_connections given USING old
                WHERE given.workspace_id = $1 AND given.cycle_id = old.cycle_id
            ), hours AS (
                DELETE FROM poll_cycle_hours WHERE workspace_id = $1 AND hour < $4::timestamptz - interval '1 h'
            )
            DELETE FROM poll_cycles cycle USING old
            WHERE cycle.workspace_id = $1 AND cycle.cycle_id = old.cycle_id"#,
            workspace_id.as_str(),
            first_kept.0,
            limit,
            before,
            &CycleStatus::words_where(CycleStatus::is_terminal) as &[&str],
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected())
    }

    /// Removes at most `limit` of the oldest ended sweeps with an id before `first_kept`, and returns their number.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_sweeps_before(
        &self,
        first_kept: SweepId,
        limit: i64,
    ) -> Result<u64, StorageError> {
        let removed = sqlx::query!(
            r#"/* reconciliation_sweeps: remove old ones */
            DELETE FROM reconciliation_sweeps WHERE sweep_id IN (
                SELECT sweep_id FROM reconciliation_sweeps
                WHERE sweep_id < $1 AND status = ANY ($3)
                ORDER BY sweep_id LIMIT $2
            )"#,
            first_kept.0,
            limit,
            &SweepStatus::words_where(SweepStatus::is_terminal) as &[&str],
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected())
    }
}
