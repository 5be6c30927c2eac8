//! Changes of the cutover flags, each with its author, time and reason.

use chrono::{DateTime, Utc};
use domain::fleet::{Cutover, CutoverChange};
use domain::ids::WorkspaceId;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

impl Store {
    /// Loads changes of a workspace's flags, newest first: only those before the version `before_version`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn cutover_changes(
        &self,
        id: &WorkspaceId,
        before_version: Option<i64>,
        limit: i64,
    ) -> Result<Vec<CutoverChange>, StorageError> {
        sqlx::query!(
            r#"/* cutover_changes: page */
            SELECT version, changed_at, changed_by, reason, from_flags, to_flags
            FROM cutover_changes
            WHERE workspace_id = $1 AND version < $2
            ORDER BY version DESC
            LIMIT $3"#,
            id.as_str(),
            before_version.unwrap_or(i64::MAX),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(CutoverChange {
                version: row.version,
                at: row.changed_at,
                by: row.changed_by,
                reason: row.reason,
                from: row
                    .from_flags
                    .map(|flags| decode::json("from_flags", flags))
                    .transpose()?,
                to: decode::json("to_flags", row.to_flags)?,
            })
        })
        .collect()
    }
}

impl UnitOfWork {
    /// Replaces the flags and records the change. The caller holds the exclusive fence.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn update_cutover(
        &mut self,
        version: i64,
        from: Cutover,
        to: Cutover,
        by: &str,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* workspaces: change flags */
            UPDATE workspaces
            SET device_registry_source = $2, poll_owner = $3, read_owner = $4, provider_mode = $5,
                cutover_version = $6, cutover_changed_at = $7, cutover_changed_by = $8,
                polling_changed_at = CASE WHEN $9 THEN $7 ELSE polling_changed_at END
            WHERE workspace_id = $1"#,
            self.workspace_id.as_str(),
            to.device_registry_source.as_str(),
            to.poll_owner.as_str(),
            to.read_owner.as_str(),
            to.provider_mode.as_str(),
            version,
            now,
            by,
            from.poll_owner.core_polls() != to.poll_owner.core_polls(),
        )
        .execute(&mut *self.tx)
        .await?;
        self.append_cutover_change(version, Some(from), to, by, reason, now)
            .await
    }

    /// Appends a change to the history of the flags; `from` is `None` for the first flags of a workspace.
    pub(crate) async fn append_cutover_change(
        &mut self,
        version: i64,
        from: Option<Cutover>,
        to: Cutover,
        by: &str,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* cutover_changes: append */
            INSERT INTO cutover_changes (workspace_id, version, changed_at, changed_by, reason, from_flags, to_flags)
            VALUES ($1, $2, $3, $4, $5, $6, $7)"#,
            self.workspace_id.as_str(),
            version,
            now,
            by,
            reason,
            from.map(|flags| serde_json::json!(flags)),
            serde_json::json!(to),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
