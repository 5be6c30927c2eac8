//! Login sessions of provider accounts, sealed by their writers and shared by all instances. They are the one
//! record of polling that no workspace owns.

use chrono::{DateTime, Utc};

use crate::postgres::{StorageError, Store};

/// A provider session as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProviderSession {
    /// The session, which only a holder of the session key can open.
    pub sealed: Vec<u8>,
    /// When the provider ends the session.
    pub expires_at: DateTime<Utc>,
}

impl Store {
    /// Loads the session of an account, which is named by a hash.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Stores the session of an account in place of an earlier one.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Removes the session of an account if it is still this one: another instance may have renewed it.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Removes the sessions that have expired. There are as few as there are accounts.
    ///
    /// # Errors
    /// When the store fails.
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
