//! An HTTP client for one account, for the length of one poll: what every provider's requests go through.

use std::sync::atomic::{AtomicU32, Ordering};

use clock::Deadline;
use domain::polling::{ErrorClass, PollError};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;

use super::PollLimits;
use super::fetch::{FetchError, Fetcher, failure};
use super::turns::Turns;
use crate::credentials::Credential;
use crate::sessions::{AccountSession, NewSession, Session, SessionCallError};

/// The account of one connection during one poll. Every request waits for the account's turn, is retried with
/// back-off, and ends at the poll's deadline.
#[derive(Debug)]
pub struct AccountClient<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) base_url: Url,
    pub(crate) credential: Credential,
    pub(crate) session: AccountSession,
    pub(crate) turns: Turns,
    pub(crate) limits: PollLimits,
    pub(crate) deadline: Deadline,
    /// Requests of the most-tried page so far.
    pub(crate) attempts: AtomicU32,
}

impl AccountClient<'_> {
    /// Returns the credential that the connection refers to, of the kind that the provider declares.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Returns how many pages one answer may have.
    pub fn max_pages(&self) -> usize {
        self.limits.pages
    }

    /// Returns whether there is time to begin another page of an answer that the next poll can go on with: there is in
    /// the first half of the poll's time.
    pub fn has_time_for_another_page(&self) -> bool {
        self.deadline.remaining() > self.limits.deadline / 2
    }

    /// Begins a GET of a path below the connection's base URL.
    pub fn get(&self, path: &[&str]) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    /// Begins a POST to a path below the connection's base URL.
    pub fn post(&self, path: &[&str]) -> RequestBuilder {
        self.http.post(self.url(path))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        // Only a URL that cannot be a base has no segments, and the address policy refuses those.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Sends a request until it is answered with a success, within the poll's bounds, and returns the body.
    ///
    /// # Errors
    /// [`FetchError`], after the last attempt.
    pub async fn fetch(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, FetchError> {
        let fetcher = Fetcher {
            turns: &self.turns,
            limits: &self.limits,
            deadline: self.deadline,
        };
        let (body, attempts) = fetcher.fetch(request).await;
        self.attempts.fetch_max(attempts, Ordering::Relaxed);
        body
    }

    /// Runs `call` in the account's login session. Without a session that is still good, `login` begins one,
    /// which all instances share from then on. A session that the provider refuses is discarded, and `call` runs
    /// once more in a new one.
    ///
    /// # Errors
    /// The error of `login` or `call`.
    pub async fn with_session<T, L, LoginFuture, C, CallFuture>(
        &self,
        login: L,
        call: C,
    ) -> Result<T, PollError>
    where
        L: Fn() -> LoginFuture,
        LoginFuture: Future<Output = Result<NewSession, PollError>>,
        C: Fn(Session) -> CallFuture,
        CallFuture: Future<Output = Result<T, SessionCallError>>,
    {
        let session = self.session.get(&login, self.deadline).await?;
        match call(session.clone()).await {
            Err(SessionCallError::Refused(_)) => {
                self.session.discard(&session).await;
                let renewed = self.session.get(&login, self.deadline).await?;
                call(renewed).await.map_err(PollError::from)
            }
            ended => ended.map_err(PollError::from),
        }
    }
}

/// Parses a page of JSON.
///
/// # Errors
/// An invalid response, without quoting it: a raw payload never reaches a log.
pub fn parse_page<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, PollError> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

/// Returns the error of an answer that is not of the protocol.
pub(crate) fn unreadable(error: &serde_json::Error) -> PollError {
    failure(
        ErrorClass::InvalidResponse,
        format!(
            "the answer is not of the protocol (line {} column {})",
            error.line(),
            error.column()
        ),
    )
}
