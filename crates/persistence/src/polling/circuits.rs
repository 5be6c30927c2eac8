//! Loading the latest polls of a connection, which decide whether its circuit is open.

use domain::ids::{ProviderId, WorkspaceId};
use domain::polling::{AskedPoll, ConnectionOutcome, ErrorClass};

use crate::postgres::{StorageError, Store, decode};

impl Store {
    /// Loads the latest polls in which the connection was asked, newest first. Polls before the connection's latest
    /// change are left out, because they say nothing about the current configuration.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn latest_asked(
        &self,
        workspace_id: &WorkspaceId,
        provider_id: &ProviderId,
        limit: u32,
    ) -> Result<Vec<AskedPoll>, StorageError> {
        sqlx::query!(
            r#"/* poll_cycle_connections: latest in which it was asked */
            SELECT p.started_at, p.outcome, p.error_class
            FROM provider_connections c
            JOIN poll_cycle_connections p ON p.workspace_id = $1 AND p.provider_id = $2 AND p.started_at >= c.changed_at
            WHERE c.workspace_id = $1 AND c.provider_id = $2 AND p.outcome <> 'skipped'
            ORDER BY p.ended_at DESC
            LIMIT $3"#,
            workspace_id.as_str(),
            provider_id.as_str(),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let outcome = decode::word(ConnectionOutcome::parse, "outcome", &row.outcome)?;
            let class = row.error_class.as_deref();
            let failure = (outcome == ConnectionOutcome::Failed)
                .then(|| decode::word(ErrorClass::parse, "error_class", class.unwrap_or_default()));
            Ok(AskedPoll {
                started_at: row.started_at,
                failure: failure.transpose()?,
            })
        })
        .collect()
    }
}
