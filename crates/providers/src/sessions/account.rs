//! The session of an account: found, begun, and discarded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clock::{Clock, Deadline, Stopwatch};
use domain::polling::{ErrorClass, PollError};

use super::key::{AccountKey, credential_hash};
use super::session::{HeldSession, NewSession, Session};
use super::{SessionKey, SessionStore, SessionStoreError};
use crate::account::failure;
use crate::credentials::Credential;

/// The sessions of all accounts that this instance has asked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions {
    clock: Clock,
    shared: Option<(Arc<dyn SessionStore>, Arc<SessionKey>)>,
    slots: Arc<Mutex<HashMap<AccountKey, Arc<tokio::sync::Mutex<Slot>>>>>,
}

/// What this instance knows of one account's session.
#[derive(Debug, Default)]
struct Slot {
    /// The session, with the hash of the credential that it was begun with.
    session: Option<(Session, [u8; 32])>,
    /// How the latest login failed, and the time since: those who waited for it share its failure.
    failed_login: Option<(Stopwatch, PollError)>,
}

impl Sessions {
    /// Makes sessions that stay in the memory of this instance.
    pub fn in_memory(clock: Clock) -> Self {
        Self {
            clock,
            shared: None,
            slots: Arc::default(),
        }
    }

    /// Makes sessions that all instances share through a store, sealed with a key that all of them have.
    pub fn shared(clock: Clock, store: Arc<dyn SessionStore>, key: SessionKey) -> Self {
        Self {
            shared: Some((store, Arc::new(key))),
            ..Self::in_memory(clock)
        }
    }

    /// Returns the session of an account that is asked with this credential.
    pub(crate) fn of_account(
        &self,
        account: AccountKey,
        credential: &Credential,
    ) -> AccountSession {
        AccountSession {
            sessions: self.clone(),
            account,
            credential: credential_hash(credential),
        }
    }

    fn slot(&self, account: AccountKey) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(account).or_default())
    }
}

/// The session of one account, for a poll with one credential.
#[derive(Clone, Debug)]
pub(crate) struct AccountSession {
    sessions: Sessions,
    account: AccountKey,
    /// A session counts only for the credential that it was begun with: a rotated secret begins a new one.
    credential: [u8; 32],
}

impl AccountSession {
    /// Returns the account's session, or begins one by `login`. One login of an account runs at a time, and
    /// those who wait for it share what comes of it.
    pub(crate) async fn get<L, LoginFuture>(
        &self,
        login: &L,
        deadline: Deadline,
    ) -> Result<Session, PollError>
    where
        L: Fn() -> LoginFuture,
        LoginFuture: Future<Output = Result<NewSession, PollError>>,
    {
        let waiting = Stopwatch::start();
        let slot = self.sessions.slot(self.account);
        let locked = deadline.limit(slot.lock()).await;
        let mut slot = locked.map_err(|_| {
            let detail = "the account's login did not end within the deadline";
            failure(ErrorClass::Timeout, detail)
        })?;
        if let Some(session) = self.usable(&slot) {
            return Ok(session);
        }
        if let Some((since_failure, error)) = &slot.failed_login
            && since_failure.elapsed() <= waiting.elapsed()
        {
            return Err(error.clone());
        }
        let session = match self.load().await {
            Some(session) => session,
            None => match login().await {
                Ok(begun) => self.save(begun).await,
                Err(error) => {
                    slot.failed_login = Some((Stopwatch::start(), error.clone()));
                    return Err(error);
                }
            },
        };
        slot.session = Some((session.clone(), self.credential));
        Ok(session)
    }

    /// Forgets a session that the provider refuses, here and in the store, unless it has been renewed already.
    pub(crate) async fn discard(&self, refused: &Session) {
        let slot = self.sessions.slot(self.account);
        let mut slot = slot.lock().await;
        if let Some((held, _)) = &slot.session
            && held.is_same(refused)
        {
            slot.session = None;
        }
        if let (Some((store, _)), Some(stored)) = (&self.sessions.shared, refused.stored())
            && let Err(error) = store.remove(&self.account, stored).await
        {
            warn(&error, "a refused provider session could not be removed");
        }
    }

    fn usable(&self, slot: &Slot) -> Option<Session> {
        let (session, credential) = slot.session.as_ref()?;
        let is_usable =
            *credential == self.credential && session.is_usable(self.sessions.clock.now());
        is_usable.then(|| session.clone())
    }

    /// Loads the session that another instance may have begun.
    async fn load(&self) -> Option<Session> {
        let (store, key) = self.sessions.shared.as_ref()?;
        let stored = match store.load(&self.account).await {
            Ok(stored) => stored?,
            Err(error) => {
                warn(&error, "a provider session could not be loaded");
                return None;
            }
        };
        // It does not open after a change of the credential or of the key, and is replaced then.
        let secret = key.open(&self.owner(), &stored).ok()?;
        let session = Session::new(HeldSession {
            secret,
            expires_at: stored.expires_at,
            stored: Some(stored),
        });
        session
            .is_usable(self.sessions.clock.now())
            .then_some(session)
    }

    /// Shares a session with other instances. A session that cannot be shared is still good here.
    async fn save(&self, begun: NewSession) -> Session {
        let expires_at = self.sessions.clock.now() + begun.lasts;
        let mut held = HeldSession {
            secret: begun.secret,
            expires_at,
            stored: None,
        };
        if let Some((store, key)) = &self.sessions.shared
            && let Some(sealed) = key.seal(&self.owner(), &held.secret, expires_at)
        {
            match store.save(&self.account, &sealed).await {
                Ok(()) => held.stored = Some(sealed),
                Err(error) => warn(&error, "a provider session could not be stored"),
            }
        }
        Session::new(held)
    }

    /// Returns what a stored session is bound to: the account, and the credential without storing its hash.
    fn owner(&self) -> Vec<u8> {
        [self.account.as_bytes(), &self.credential].concat()
    }
}

fn warn(error: &SessionStoreError, what: &str) {
    tracing::warn!(error = &**error as &dyn std::error::Error, "{what}");
}
