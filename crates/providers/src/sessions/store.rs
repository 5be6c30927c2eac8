//! The port to where sealed sessions are shared by instances.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::AccountKey;

/// A session as it is stored: only a holder of the session key can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSession {
    /// The sealed secret, different each time that a secret is sealed.
    pub sealed: Vec<u8>,
    /// When the provider ends the session.
    pub expires_at: DateTime<Utc>,
}

/// A failure of the store. A poll goes on without it.
pub type SessionStoreError = Box<dyn Error + Send + Sync>;

/// Sealed sessions that all instances share, one an account.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Returns the session of an account.
    ///
    /// # Errors
    /// When the store fails.
    async fn load(&self, account: &AccountKey) -> Result<Option<SealedSession>, SessionStoreError>;

    /// Stores the session of an account, in place of an earlier one.
    ///
    /// # Errors
    /// When the store fails.
    async fn save(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError>;

    /// Removes the session of an account if it is still this one: another instance may have renewed it.
    ///
    /// # Errors
    /// When the store fails.
    async fn remove(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError>;
}
