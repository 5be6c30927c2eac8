//! The cache of the issuer's keys, and when to fetch them again.
//!
//! Cached keys are returned at once, whatever the issuer does. At most one fetch is under way. Callers who
//! need its result wait for it together, and the fetch goes on when they disconnect.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::jwks::{KeySet, VerificationKey};
use crate::jwks_client::{FetchError, JwksClient};
use crate::verify_error::{InvalidReason, VerifyError};

/// How long keys are trusted without a refresh. A withdrawn key is refused after this time, provided that the
/// issuer can be reached.
const TTL: TimeDelta = TimeDelta::hours(1);
/// The shortest time between two fetches for unknown key ids, which anybody can make up, and between a failed
/// refresh and the next one.
const COOLDOWN: TimeDelta = TimeDelta::seconds(10);
/// The shortest time between two attempts while there are no keys at all and every caller gets a 503.
const FIRST_KEYS_COOLDOWN: TimeDelta = TimeDelta::seconds(1);

pub(crate) struct JwksCache(Arc<Shared>);

struct Shared {
    client: JwksClient,
    clock: Clock,
    state: Mutex<State>,
    /// The fetch that is under way. Nobody waits for it at shutdown: it changes nothing outside this process.
    tasks: TaskTracker,
}

struct State {
    keys: Option<Arc<KeySet>>,
    /// The instant from which the keys should be fetched, whether some are cached or none.
    due_at: DateTime<Utc>,
    /// The instant from which an unknown key id may start a fetch.
    miss_due_at: DateTime<Utc>,
    /// The latest fetch. It is under way as long as its sender lives, which is dropped however the task ends.
    fetch: Option<FetchEnd>,
}

/// Closes when a fetch has ended. No value is ever sent.
type FetchEnd = watch::Receiver<()>;

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
            tasks: TaskTracker::new(),
        }))
    }

    /// Waits for the first keys, unless some are cached. No unknown key id has caused this fetch, so it does
    /// not start the cooldown.
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
        // No value is ever sent: the wait ends when the sender is dropped.
        let _ = fetch.changed().await;
    }

    /// The cached keys. Starts a refresh when one is due, and does not wait for it.
    pub(crate) fn cached_keys(&self) -> Option<Arc<KeySet>> {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let keys = state.keys.clone()?;
        self.0.refresh_if_due(&mut state, now);
        Some(keys)
    }

    /// Returns the key with this id: at once if it is cached, otherwise after the fetch that is under way or
    /// that may be started now.
    ///
    /// # Errors
    /// When the issuer does not publish the key, or no keys could ever be fetched.
    pub(crate) async fn load_key(&self, key_id: &str) -> Result<Arc<VerificationKey>, VerifyError> {
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
        // No value is ever sent: the wait ends when the sender is dropped.
        let _ = fetch.changed().await;

        let mut state = self.0.lock();
        let key = state.key(key_id);
        if key.is_none() && state.keys.is_some() {
            // The keys are fresh and the id is not among them, so another fetch would not help.
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

    /// Fetches the keys in a task of its own, because a caller who disconnects must not end what others wait
    /// for. The client's time limit ends the task.
    fn start_fetch(self: &Arc<Self>, state: &mut State) -> FetchEnd {
        let (under_way, fetch) = watch::channel(());
        state.fetch = Some(fetch.clone());
        let shared = Arc::clone(self);
        self.tasks.spawn(async move {
            let fetched = shared.client.fetch().await;
            shared.lock().store(fetched, shared.clock.now());
            drop(under_way);
        });
        fetch
    }
}

impl State {
    fn key(&self, key_id: &str) -> Option<Arc<VerificationKey>> {
        self.keys.as_ref()?.get(key_id).cloned()
    }

    fn fetch_under_way(&self) -> Option<FetchEnd> {
        self.fetch
            .clone()
            .filter(|fetch| fetch.has_changed().is_ok())
    }

    /// Whether an unknown key id may start a fetch now. Returns true once per cooldown.
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

    fn store(&mut self, fetched: Result<KeySet, FetchError>, now: DateTime<Utc>) {
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
