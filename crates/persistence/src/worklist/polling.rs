//! Loading the latest polls of connections of any workspaces, by one statement. This is one of the few reads across
//! workspaces.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::health::ConnectionPolling;
use domain::ids::{ProviderId, WorkspaceId};
use domain::polling::ErrorClass;

use crate::health::ConnectionColumns;
use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, decode};

/// The latest polls of some connections of one workspace.
#[derive(Clone, Debug, Default)]
pub struct WorkspacePolling {
    /// The requested connections with their latest polls.
    pub connections: Vec<ConnectionPolling>,
    /// The time at which the workspace's latest polled cycle ended.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Loads the latest polls of the given connections, by workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn recent_polling(
        &self,
        connections: &[(&WorkspaceId, &ProviderId)],
    ) -> Result<HashMap<WorkspaceId, WorkspacePolling>, StorageError> {
        let (workspaces, providers): (Vec<&str>, Vec<&str>) = connections
            .iter()
            .map(|(workspace, provider)| (workspace.as_str(), provider.as_str()))
            .unzip();
        let rows = sqlx::query!(
            r#"/* worklist: connections and their latest polls */
            SELECT c.workspace_id, c.provider_id, c.provider_type, c.enabled,
                   c.expected_reporting_interval_minutes AS declared_interval_minutes,
                   p.started_at AS "started_at?", p.outcome AS "outcome?", p.error_class AS "error_class?",
                   ok.ended_at AS "last_answer_at?",
                   ran.last_cycle_ended_at AS "last_cycle_ended_at?"
            FROM unnest($1::text[], $2::text[]) AS asked (workspace_id, provider_id)
            JOIN provider_connections c ON c.workspace_id = asked.workspace_id AND c.provider_id = asked.provider_id
            LEFT JOIN LATERAL (
                SELECT max(ended_at) AS last_cycle_ended_at FROM poll_cycles
                WHERE workspace_id = c.workspace_id AND polled
            ) ran ON true
            LEFT JOIN LATERAL (
                SELECT started_at, outcome, error_class FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id
                  AND (error_class = ANY ($3)) IS NOT TRUE
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT ended_at FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id AND outcome = 'ok'
                ORDER BY ended_at DESC LIMIT 1
            ) ok ON true"#,
            &workspaces as &[&str],
            &providers as &[&str],
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_all(&self.pool);
        let mut polling: HashMap<WorkspaceId, WorkspacePolling> = HashMap::new();
        for row in without_row_spans(rows).await? {
            let workspace_id = decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?;
            let of_workspace = polling.entry(workspace_id).or_default();
            of_workspace.last_cycle_ended_at = row.last_cycle_ended_at;
            let columns = ConnectionColumns {
                provider_id: row.provider_id,
                provider_type: row.provider_type,
                enabled: row.enabled,
                declared_interval_minutes: row.declared_interval_minutes,
                started_at: row.started_at,
                outcome: row.outcome,
                error_class: row.error_class,
            };
            let (provider_id, facts) = columns.decode()?;
            of_workspace.connections.push(ConnectionPolling {
                provider_id,
                facts,
                last_answer_at: row.last_answer_at,
            });
        }
        Ok(polling)
    }
}
