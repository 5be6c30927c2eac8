//! A login session and how a request within it ends.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::polling::PollError;
use secrecy::SecretString;

use super::SealedSession;
use crate::account::FetchError;

/// A session that ends sooner than this is not used any more: it has to outlive the poll.
const MIN_REMAINING: TimeDelta = TimeDelta::minutes(1);

/// A session that a login has just begun.
#[derive(Debug)]
pub struct NewSession {
    /// Whatever the provider's client needs to go on: a token, or several values as JSON.
    pub secret: SecretString,
    /// How long the provider keeps the session.
    pub lasts: TimeDelta,
}

/// A login session of an account. Cheap to clone; its secret is kept out of `Debug`.
#[derive(Clone, Debug)]
pub struct Session(Arc<HeldSession>);

#[derive(Debug)]
pub(super) struct HeldSession {
    pub(super) secret: SecretString,
    pub(super) expires_at: DateTime<Utc>,
    /// The session as it is stored, unless it is in this instance's memory only.
    pub(super) stored: Option<SealedSession>,
}

impl Session {
    /// Returns the secret that the login brought.
    pub fn secret(&self) -> &SecretString {
        &self.0.secret
    }

    pub(super) fn new(held: HeldSession) -> Self {
        Self(Arc::new(held))
    }

    /// Returns whether the session still lasts long enough for a poll.
    pub(super) fn is_usable(&self, now: DateTime<Utc>) -> bool {
        now + MIN_REMAINING < self.0.expires_at
    }

    /// Returns whether both are clones of one session.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the session as it is stored, or `None` if it is in this instance's memory only.
    pub(super) fn stored(&self) -> Option<&SealedSession> {
        self.0.stored.as_ref()
    }
}

/// How a request within a session failed.
#[derive(Debug)]
pub enum SessionCallError {
    /// The provider does not accept the session any more. The error counts if it does not accept a new one
    /// either.
    Refused(PollError),
    /// Anything else.
    Failed(PollError),
}

impl SessionCallError {
    /// Classifies a failed request by its status: an answer of 401 refuses the session.
    pub fn of_status(failed: FetchError) -> Self {
        if failed.status == Some(reqwest::StatusCode::UNAUTHORIZED) {
            Self::Refused(failed.error)
        } else {
            Self::Failed(failed.error)
        }
    }
}

impl From<SessionCallError> for PollError {
    fn from(error: SessionCallError) -> Self {
        match error {
            SessionCallError::Refused(error) | SessionCallError::Failed(error) => error,
        }
    }
}
