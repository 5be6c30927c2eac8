//! When a login is needed, and what becomes of one that is refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use clock::{Clock, Deadline};
use domain::fleet::{CredentialRef, ProviderType};
use domain::polling::{ErrorClass, PollError};
use secrecy::ExposeSecret;

use super::*;
use crate::account::failure;
use crate::credentials::Credential;

/// A store in memory; with `is_down`, one that fails.
#[derive(Debug, Default)]
struct Stored {
    sessions: Mutex<HashMap<Vec<u8>, SealedSession>>,
    is_down: Mutex<bool>,
}

impl Stored {
    fn check(&self) -> Result<(), SessionStoreError> {
        if *self.is_down.lock().expect("a lock") {
            return Err("the store is down".into());
        }
        Ok(())
    }
}

#[async_trait]
impl SessionStore for Stored {
    async fn load(&self, account: &AccountKey) -> Result<Option<SealedSession>, SessionStoreError> {
        self.check()?;
        let sessions = self.sessions.lock().expect("a lock");
        Ok(sessions.get(account.as_bytes()).cloned())
    }

    async fn save(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError> {
        self.check()?;
        let mut sessions = self.sessions.lock().expect("a lock");
        sessions.insert(account.as_bytes().to_vec(), session.clone());
        Ok(())
    }

    async fn remove(
        &self,
        account: &AccountKey,
        session: &SealedSession,
    ) -> Result<(), SessionStoreError> {
        self.check()?;
        let mut sessions = self.sessions.lock().expect("a lock");
        if sessions.get(account.as_bytes()) == Some(session) {
            sessions.remove(account.as_bytes());
        }
        Ok(())
    }
}

/// A provider that counts logins and takes its time.
#[derive(Default)]
struct Vendor {
    logins: AtomicU32,
    refuses: bool,
}

impl Vendor {
    async fn log_in(&self) -> Result<NewSession, PollError> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let number = self.logins.fetch_add(1, Ordering::Relaxed) + 1;
        if self.refuses {
            return Err(failure(ErrorClass::CredentialsRejected, "refused"));
        }
        Ok(NewSession {
            secret: format!("session-{number}").into(),
            lasts: TimeDelta::days(1),
        })
    }

    fn logins(&self) -> u32 {
        self.logins.load(Ordering::Relaxed)
    }

    /// The session that an account has.
    async fn session(&self, account: &AccountSession) -> Result<Session, PollError> {
        let deadline = Deadline::after(Duration::from_secs(30));
        account.get(&|| self.log_in(), deadline).await
    }
}

fn clock() -> Clock {
    Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::days(20_000))
}

/// The sessions of an instance that shares them through this store.
fn instance(store: &Arc<Stored>, clock: &Clock) -> Sessions {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let key = SessionKey::try_new(&key.into()).expect("a key");
    Sessions::shared(clock.clone(), Arc::<Stored>::clone(store), key)
}

fn account(sessions: &Sessions, key: &str) -> AccountSession {
    let url = "https://a.example/x".parse().expect("a URL");
    let reference = CredentialRef::try_new("env:PROVIDER_A").expect("a reference");
    let account = AccountKey::new(ProviderType::Geotab, &url, &reference);
    sessions.of_account(account, &Credential::Key(key.into()))
}

fn secret(session: &Session) -> &str {
    session.secret().expose_secret()
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_at_once_share_one_login() {
    let account = account(&Sessions::in_memory(clock()), "k");
    let vendor = Vendor::default();
    let asked = futures::future::join_all((0..20).map(|_| vendor.session(&account))).await;
    assert!(
        asked
            .iter()
            .all(|session| session.as_ref().map(secret) == Ok("session-1"))
    );
    assert_eq!(vendor.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_login_share_its_failure_and_the_next_poll_tries_again() {
    let account = account(&Sessions::in_memory(clock()), "k");
    let vendor = Vendor {
        refuses: true,
        ..Vendor::default()
    };
    let asked = futures::future::join_all((0..20).map(|_| vendor.session(&account))).await;
    assert!(asked.iter().all(Result::is_err));
    assert_eq!(vendor.logins(), 1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    vendor.session(&account).await.expect_err("refused again");
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_keeps_nobody_past_the_deadline() {
    let account = account(&Sessions::in_memory(clock()), "k");
    let hangs = async {
        account
            .get(
                &std::future::pending,
                Deadline::after(Duration::from_mins(9)),
            )
            .await
    };
    let vendor = Vendor::default();
    tokio::select! {
        biased;
        _ = hangs => panic!("it hangs"),
        waited = vendor.session(&account) => {
            assert_eq!(waited.expect_err("no session").class, ErrorClass::Timeout);
        }
    }
    assert_eq!(vendor.logins(), 0);
    vendor
        .session(&account)
        .await
        .expect("the login was given up");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_shortly_before_it_expires() {
    let clock = clock();
    let store = Arc::default();
    let sessions = instance(&store, &clock);
    let vendor = Vendor::default();
    vendor
        .session(&account(&sessions, "k"))
        .await
        .expect("a session");
    clock.advance(TimeDelta::days(1) - TimeDelta::minutes(2));
    vendor
        .session(&account(&sessions, "k"))
        .await
        .expect("a session");
    assert_eq!(vendor.logins(), 1);
    clock.advance(TimeDelta::minutes(1));
    for sessions in [&sessions, &instance(&store, &clock)] {
        let session = vendor
            .session(&account(sessions, "k"))
            .await
            .expect("a session");
        assert_eq!(secret(&session), "session-2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_credential_begins_a_session_of_its_own() {
    let clock = clock();
    let store = Arc::default();
    let sessions = instance(&store, &clock);
    let vendor = Vendor::default();
    vendor
        .session(&account(&sessions, "old"))
        .await
        .expect("a session");
    for sessions in [&sessions, &instance(&store, &clock)] {
        let session = vendor
            .session(&account(sessions, "new"))
            .await
            .expect("a session");
        assert_eq!(secret(&session), "session-2");
    }
    assert_eq!(vendor.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_session_is_forgotten_unless_another_instance_has_renewed_it() {
    let clock = clock();
    let store = Arc::default();
    let (here, there) = (instance(&store, &clock), instance(&store, &clock));
    let (here, there) = (account(&here, "k"), account(&there, "k"));
    let vendor = Vendor::default();
    let refused = vendor.session(&here).await.expect("a session");
    let same = vendor.session(&there).await.expect("a session");
    here.discard(&refused).await;
    let renewed = vendor.session(&here).await.expect("a session");
    assert_eq!(secret(&renewed), "session-2");
    there.discard(&same).await;
    let renewed = vendor.session(&there).await.expect("a session");
    assert_eq!(secret(&renewed), "session-2");
    here.discard(&refused).await;
    let kept = vendor.session(&here).await.expect("a session");
    assert_eq!((secret(&kept), vendor.logins()), ("session-2", 2));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_costs_a_login_and_no_poll() {
    let store: Arc<Stored> = Arc::default();
    *store.is_down.lock().expect("a lock") = true;
    let account = account(&instance(&store, &clock()), "k");
    let vendor = Vendor::default();
    for _ in 0..2 {
        let session = vendor.session(&account).await.expect("a session");
        assert_eq!(secret(&session), "session-1");
        assert!(!format!("{session:?} {account:?}").contains("session-1"));
    }
}
