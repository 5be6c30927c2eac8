//! A connection being asked: where, as whom, and within which bounds. What every provider's client
//! stands on.

use domain::polling::{ErrorClass, PollError};
use reqwest::{RequestBuilder, Url};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::PollLimits;
use crate::accounts::Turns;
use crate::fetch::{FetchError, Fetched, failure, fetch};

/// One poll of one connection.
pub(crate) struct Session<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) base_url: Url,
    pub(crate) key: SecretString,
    pub(crate) turns: Turns,
    pub(crate) limits: PollLimits,
    pub(crate) deadline: Instant,
}

impl Session<'_> {
    /// An address below the connection's base URL.
    pub(crate) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Sends a request within the poll's bounds: see [`fetch`].
    pub(crate) async fn fetch(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Fetched, FetchError> {
        fetch(request, &self.turns, &self.limits, self.deadline).await
    }
}

/// What is wrong with an answer, without quoting it: a raw payload never reaches a log.
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
