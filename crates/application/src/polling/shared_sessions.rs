//! Provider sessions that all instances share through the database.

use async_trait::async_trait;
use clock::Clock;
use persistence::Store;
use persistence::polling::StoredProviderSession;
use providers::{AccountKey, SealedSession, SessionStore, SessionStoreError};

/// Keeps sealed provider sessions in the database.
#[derive(Clone, Debug)]
pub struct SharedSessions {
    store: Store,
    clock: Clock,
}

impl SharedSessions {
    /// Sessions in this store.
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl SessionStore for SharedSessions {
    async fn load(&self, account: &AccountKey) -> Result<Option<SealedSession>, SessionStoreError> {
        let stored = self.store.provider_session(account.as_bytes()).await?;
        Ok(stored.map(
            |StoredProviderSession { sealed, expires_at }| SealedSession { sealed, expires_at },
        ))
    }

    async fn save(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError> {
        let SealedSession { sealed, expires_at } = session.clone();
        let stored = StoredProviderSession { sealed, expires_at };
        let now = self.clock.now();
        let saved = self
            .store
            .save_provider_session(account.as_bytes(), &stored, now);
        Ok(saved.await?)
    }

    async fn remove(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError> {
        let removed = self
            .store
            .remove_provider_session(account.as_bytes(), &session.sealed);
        Ok(removed.await?)
    }
}
