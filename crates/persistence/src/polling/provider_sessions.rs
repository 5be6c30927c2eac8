//! Login sessions of provider accounts. An instance seals a session before it stores the session, and all instances
//! share it. No workspace owns these rows: they are the only records of polling without a workspace.

use chrono::{DateTime, Utc};

use crate::postgres::{StorageError, Store};

/// A provider session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProviderSession {
    /// The sealed session, which only an instance with the session key can open.
    pub sealed: Vec<u8>,
    /// The time at which the provider ends the session.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// Loads the session of an account; `account` is a hash of the account's name.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn provider_session(
        &self,
        account: &[u8],
    ) -> Result<Option<StoredProviderSession>, StorageError> {
        let session = sqlx::query_as!(
            StoredProviderSession,
            r#"/* provider_sessions: one */
            SELECT sealed, expires_at FROM provider_sessions WHERE account = $1"#,
            account,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(session)
    }

    /// Stores the session of an account and replaces an earlier session.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn save_provider_session(
        &self,
        account: &[u8],
        session: &StoredProviderSession,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* provider_sessions: save */
            INSERT INTO provider_sessions (account, sealed, expires_at, saved_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (account) DO UPDATE SET
                sealed = excluded.sealed, expires_at = excluded.expires_at, saved_at = excluded.saved_at"#,
            account,
            &session.sealed,
            session.expires_at,
            now,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes the session of an account if the stored session equals `sealed`. Otherwise another instance has
    /// renewed the session, and the new one stays.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_provider_session(
        &self,
        account: &[u8],
        sealed: &[u8],
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* provider_sessions: remove a refused one */
            DELETE FROM provider_sessions WHERE account = $1 AND sealed = $2"#,
            account,
            sealed,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes the sessions that have expired, and returns their number. One unbounded statement is enough, because
    /// an account has at most one session.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_expired_provider_sessions(
        &self,
        now: DateTime<Utc>,
    ) -> Result<u64, StorageError> {
        let removed = sqlx::query!(
            r#"/* provider_sessions: remove expired ones */
            DELETE FROM provider_sessions WHERE expires_at <= $1"#,
            now,
        )
        .execute(&self.pool)
        .await?;
        Ok(removed.rows_affected())
    }
}
