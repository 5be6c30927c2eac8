//! Reading, writing and removing provider connections.

use chrono::{DateTime, Utc};
use domain::fleet::{Connection, CredentialRef, ProviderType};
use domain::ids::{ProviderId, WorkspaceId};

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The result of an attempt to remove a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionRemoval {
    /// The connection was removed.
    Removed,
    /// The workspace has no such connection.
    Unknown,
    /// The connection stays, because active devices use the connection.
    HasDevices,
}

/// The columns of a connection.
struct ConnectionRow {
    provider_id: String,
    provider_type: String,
    base_url: String,
    credential_ref: Option<String>,
    enabled: bool,
    expected_reporting_interval_minutes: Option<i32>,
    settings: serde_json::Value,
    version: i64,
}

impl TryFrom<ConnectionRow> for Connection {
    type Error = StorageError;

    fn try_from(row: ConnectionRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
            provider_type: decode::word(ProviderType::parse, "provider_type", &row.provider_type)?,
            base_url: row.base_url,
            credential_ref: row
                .credential_ref
                .map(|text| {
                    CredentialRef::try_new(&text)
                        .map_err(|_| StorageError::corrupt("credential_ref", text))
                })
                .transpose()?,
            enabled: row.enabled,
            expected_reporting_interval_minutes: row
                .expected_reporting_interval_minutes
                .and_then(|minutes| u32::try_from(minutes).ok()),
            settings: decode::json("settings", row.settings)?,
            version: row.version,
        })
    }
}

impl Store {
    /// Loads one connection; `None` if the workspace has no such connection.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn connection(
        &self,
        workspace_id: &WorkspaceId,
        id: &ProviderId,
    ) -> Result<Option<Connection>, StorageError> {
        load_connection(&self.pool, workspace_id, id).await
    }

    /// Loads a page of a workspace's connections, in order of id: only those after the id `after`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn connections(
        &self,
        workspace_id: &WorkspaceId,
        after: Option<&ProviderId>,
        limit: i64,
    ) -> Result<Vec<Connection>, StorageError> {
        sqlx::query_as!(
            ConnectionRow,
            r#"/* provider_connections: page */
            SELECT provider_id, provider_type, base_url, credential_ref, enabled,
                   expected_reporting_interval_minutes, settings, version
            FROM provider_connections
            WHERE workspace_id = $1 AND provider_id > $2
            ORDER BY provider_id
            LIMIT $3"#,
            workspace_id.as_str(),
            after.map_or("", ProviderId::as_str),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(Connection::try_from)
        .collect()
    }
}

impl UnitOfWork {
    /// Loads one connection of this workspace, protected by the fence.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn connection(
        &mut self,
        id: &ProviderId,
    ) -> Result<Option<Connection>, StorageError> {
        load_connection(&mut *self.tx, &self.workspace_id, id).await
    }

    /// Inserts or replaces a connection, including its version.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn put_connection(
        &mut self,
        connection: &Connection,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* provider_connections: put */
            INSERT INTO provider_connections (
                workspace_id, provider_id, provider_type, base_url, credential_ref, enabled,
                expected_reporting_interval_minutes, settings, version, created_at, changed_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
            ON CONFLICT (workspace_id, provider_id) DO UPDATE SET
                provider_type = excluded.provider_type, base_url = excluded.base_url,
                credential_ref = excluded.credential_ref, enabled = excluded.enabled,
                expected_reporting_interval_minutes = excluded.expected_reporting_interval_minutes,
                settings = excluded.settings, version = excluded.version, changed_at = excluded.changed_at"#,
            self.workspace_id.as_str(),
            connection.id.as_str(),
            connection.provider_type.as_str(),
            connection.base_url,
            connection
                .credential_ref
                .as_ref()
                .map(CredentialRef::as_str),
            connection.enabled,
            connection
                .expected_reporting_interval_minutes
                .and_then(|minutes| i32::try_from(minutes).ok()),
            serde_json::Value::Object(connection.settings.clone()),
            connection.version,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        self.bump_registry_version().await
    }

    /// Removes a connection, unless active devices use the connection.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_connection(
        &mut self,
        id: &ProviderId,
    ) -> Result<ConnectionRemoval, StorageError> {
        let active = sqlx::query_scalar!(
            r#"/* devices: does any active one name the connection */
            SELECT EXISTS (SELECT 1 FROM devices WHERE workspace_id = $1 AND provider_id = $2 AND active) AS "active!""#,
            self.workspace_id.as_str(),
            id.as_str(),
        )
        .fetch_one(&mut *self.tx)
        .await?;
        if active {
            return Ok(ConnectionRemoval::HasDevices);
        }
        let removed = sqlx::query!(
            r#"/* provider_connections: remove */
            DELETE FROM provider_connections WHERE workspace_id = $1 AND provider_id = $2"#,
            self.workspace_id.as_str(),
            id.as_str(),
        )
        .execute(&mut *self.tx)
        .await?
        .rows_affected();
        if removed == 0 {
            return Ok(ConnectionRemoval::Unknown);
        }
        self.bump_registry_version().await?;
        Ok(ConnectionRemoval::Removed)
    }
}

/// Loads one connection.
async fn load_connection(
    executor: impl sqlx::PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    id: &ProviderId,
) -> Result<Option<Connection>, StorageError> {
    sqlx::query_as!(
        ConnectionRow,
        r#"/* provider_connections: one */
        SELECT provider_id, provider_type, base_url, credential_ref, enabled,
               expected_reporting_interval_minutes, settings, version
        FROM provider_connections WHERE workspace_id = $1 AND provider_id = $2"#,
        workspace_id.as_str(),
        id.as_str(),
    )
    .fetch_optional(executor)
    .await?
    .map(Connection::try_from)
    .transpose()
}
