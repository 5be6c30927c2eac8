//! The wire: `GET {base}/vehicles`, page by page.

use std::collections::HashSet;

use domain::polling::{ErrorClass, PollError};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::PollLimits;
use crate::accounts::Turns;
use crate::fetch::{FetchError, failure, fetch};

/// Vehicles a page; the protocol's maximum.
const PAGE_SIZE: &str = "100";

/// One page, its vehicles still unread: one that cannot be read must not spoil the others.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) vehicles: Vec<Box<RawValue>>,
    pub(super) next_page_token: Option<String>,
}

/// A connection being asked.
pub(crate) struct Client<'a> {
    http: &'a reqwest::Client,
    base_url: Url,
    key: SecretString,
    turns: Turns,
    limits: PollLimits,
    deadline: Instant,
}

impl<'a> Client<'a> {
    pub(crate) fn new(
        http: &'a reqwest::Client,
        base_url: Url,
        key: SecretString,
        turns: Turns,
        limits: PollLimits,
        deadline: Instant,
    ) -> Self {
        Self {
            http,
            base_url,
            key,
            turns,
            limits,
            deadline,
        }
    }

    /// Every page, with the requests of the most-tried one.
    pub(super) async fn pages(&self) -> Result<(Vec<Page>, u32), FetchError> {
        let mut pages = Vec::new();
        let mut attempts = 0;
        let mut seen = HashSet::new();
        let mut token: Option<String> = None;
        loop {
            if pages.len() == self.limits.pages {
                let error = failure(
                    ErrorClass::InvalidResponse,
                    format!("the answer has more than {} pages", self.limits.pages),
                );
                return Err(FetchError { error, attempts });
            }
            let fetched = fetch(
                || self.request(token.as_deref()),
                &self.turns,
                &self.limits,
                self.deadline,
            )
            .await?;
            attempts = attempts.max(fetched.attempts);
            let page: Page = serde_json::from_slice(&fetched.body).map_err(|error| FetchError {
                error: unreadable(&error),
                attempts,
            })?;
            let next = page.next_page_token.clone();
            pages.push(page);
            match next {
                None => return Ok((pages, attempts)),
                Some(next) if !seen.insert(next.clone()) => {
                    let error = failure(
                        ErrorClass::CursorLoop,
                        format!("the pages go in a circle after {} of them", pages.len()),
                    );
                    return Err(FetchError { error, attempts });
                }
                Some(next) => token = Some(next),
            }
        }
    }

    fn request(&self, token: Option<&str>) -> reqwest::RequestBuilder {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("vehicles");
        }
        self.http
            .get(url)
            .query(&[("page_size", PAGE_SIZE)])
            .query(&token.map(|token| [("page_token", token)]))
            .bearer_auth(self.key.expose_secret())
    }
}

/// What is wrong with a page, without quoting it: a raw payload never reaches a log.
fn unreadable(error: &serde_json::Error) -> PollError {
    failure(
        ErrorClass::InvalidResponse,
        format!(
            "the answer is not of the protocol (line {} column {})",
            error.line(),
            error.column()
        ),
    )
}
