//! The issuer's keys as last fetched, and when to fetch them again.
//!
//! Known keys are handed out at once, whatever the issuer does. At most one fetch is under way;
//! those who need its result wait for it together, and it goes on when they give up.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use tokio::sync::watch;

use crate::jwks::{KeySet, VerificationKey};
use crate::jwks_client::{FetchError, JwksClient};
use crate::verify_error::{InvalidReason, VerifyError};

/// After this a withdrawn key is no longer trusted, given that the issuer can be asked.
const TTL: TimeDelta = TimeDelta::hours(1);
/// Between two fetches for unknown key ids, which anybody can make up, and between a failed
/// refresh and the next.
const COOLDOWN: TimeDelta = TimeDelta::seconds(10);
/// Between two attempts while there are no keys at all and every caller gets a 503.
const FIRST_KEYS_COOLDOWN: TimeDelta = TimeDelta::seconds(1);

pub(crate) struct JwksCache(Arc<Shared>);

struct Shared {
    client: JwksClient,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    keys: Option<Arc<KeySet>>,
    /// From when on the keys, held or missing, should be fetched.
    due_at: DateTime<Utc>,
    /// From when on an unknown key id is worth a fetch.
    miss_due_at: DateTime<Utc>,
    /// Under way as long as its sender lives, which is dropped however the task ends.
    fetch: Option<Fetch>,
}

type Fetch = watch::Receiver<()>;

impl JwksCache {
    pub(crate) fn new(client: JwksClient, clock: Clock) -> Self {
        let state = State {
            keys: None,
            due_at: DateTime::<Utc>::MIN_UTC,
            miss_due_at: DateTime::<Utc>::MIN_UTC,
            fetch: None,
        };
        Self(Arc::new(Shared {
            client,
            clock,
            state: Mutex::new(state),
        }))
    }

    /// Waits for the first keys, unless there are some. Nobody's unknown key id is behind this fetch, so
    /// it does not count as one for the cooldown.
    pub(crate) async fn warm_up(&self) {
        let mut fetch = {
            let mut state = self.0.lock();
            if state.keys.is_some() {
                return;
            }
            match state.fetch_under_way() {
                Some(fetch) => fetch,
                None => self.0.start_fetch(&mut state),
            }
        };
        // Nothing is ever sent: this ends when the sender is dropped.
        let _ = fetch.changed().await;
    }

    /// The keys at hand. Starts a refresh when one is due, and does not wait for it.
    pub(crate) fn held(&self) -> Option<Arc<KeySet>> {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let keys = state.keys.clone()?;
        self.0.refresh_if_due(&mut state, now);
        Some(keys)
    }

    /// The key with this id: at once if it is known, otherwise after the one fetch that is under
    /// way or that may be started now.
    pub(crate) async fn key(&self, key_id: &str) -> Result<Arc<VerificationKey>, VerifyError> {
        let mut fetch = {
            let now = self.0.clock.now();
            let mut state = self.0.lock();
            if let Some(key) = state.key(key_id) {
                self.0.refresh_if_due(&mut state, now);
                return Ok(key);
            }
            match state.fetch_under_way() {
                Some(fetch) => fetch,
                None if state.may_fetch_for_missing(now) => self.0.start_fetch(&mut state),
                None => return Err(state.why_missing()),
            }
        };
        // Nothing is ever sent: this ends when the sender is dropped.
        let _ = fetch.changed().await;

        let mut state = self.0.lock();
        let key = state.key(key_id);
        if key.is_none() && state.keys.is_some() {
            // The answer is fresh and does not know the id either: asking again would not help.
            state.miss_due_at = self.0.clock.now() + COOLDOWN;
        }
        key.ok_or_else(|| state.why_missing())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_if_due(self: &Arc<Self>, state: &mut State, now: DateTime<Utc>) {
        if now >= state.due_at && state.fetch_under_way().is_none() {
            self.start_fetch(state);
        }
    }

    /// In a task of its own, because a caller who hangs up must not end what others wait for. The
    /// client's time limit ends it, so nobody has to.
    fn start_fetch(self: &Arc<Self>, state: &mut State) -> Fetch {
        let (under_way, fetch) = watch::channel(());
        state.fetch = Some(fetch.clone());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let fetched = shared.client.fetch().await;
            shared.lock().settle(fetched, shared.clock.now());
            drop(under_way);
        });
        fetch
    }
}

impl State {
    fn key(&self, key_id: &str) -> Option<Arc<VerificationKey>> {
        self.keys.as_ref()?.get(key_id).cloned()
    }

    fn fetch_under_way(&self) -> Option<Fetch> {
        self.fetch
            .clone()
            .filter(|fetch| fetch.has_changed().is_ok())
    }

    /// Says yes once per cooldown.
    fn may_fetch_for_missing(&mut self, now: DateTime<Utc>) -> bool {
        if self.keys.is_none() {
            return now >= self.due_at;
        }
        let may_fetch = now >= self.miss_due_at;
        if may_fetch {
            self.miss_due_at = now + COOLDOWN;
        }
        may_fetch
    }

    fn why_missing(&self) -> VerifyError {
        match self.keys {
            Some(_) => VerifyError::Invalid(InvalidReason::UnknownKey),
            None => VerifyError::KeysUnavailable,
        }
    }

    fn settle(&mut self, fetched: Result<KeySet, FetchError>, now: DateTime<Utc>) {
        match fetched {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "fetched the issuer's keys");
                self.keys = Some(Arc::new(keys));
                self.due_at = now + TTL;
            }
            Err(error) => {
                let stale_keys_serve = self.keys.is_some();
                tracing::warn!(
                    error = &error as &dyn Error,
                    stale_keys_serve,
                    "cannot fetch the issuer's keys"
                );
                self.due_at = now
                    + if stale_keys_serve {
                        COOLDOWN
                    } else {
                        FIRST_KEYS_COOLDOWN
                    };
            }
        }
    }
}
