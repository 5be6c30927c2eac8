//! The wire: `GET {base}/vehicles` or `GET {base}/changes`, page by page.

use std::collections::HashSet;

use domain::polling::{ErrorClass, FeedCursor, PollError, Reach};
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::PollLimits;
use crate::accounts::Turns;
use crate::fetch::{FetchError, Fetched, failure, fetch};

/// Vehicles a page; the protocol's maximum.
const PAGE_SIZE: &str = "100";

/// One page, its vehicles still unread: one that cannot be read must not spoil the others.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) vehicles: Vec<Box<RawValue>>,
    pub(super) next_page_token: Option<String>,
}

/// One page of the feed of changes.
#[derive(Deserialize)]
struct ChangesPage {
    vehicles: Vec<Box<RawValue>>,
    cursor: String,
    more: bool,
}

/// What a feed had since a cursor, as far as it was read.
pub(super) struct Changes {
    pub(super) vehicles: Vec<Box<RawValue>>,
    /// Where to go on.
    pub(super) cursor: FeedCursor,
    pub(super) reach: Reach,
    /// Requests of the most-tried page.
    pub(super) attempts: u32,
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
                let detail = format!("the answer has more than {} pages", self.limits.pages);
                return Err(wrong(ErrorClass::InvalidResponse, detail, attempts));
            }
            let position = token.as_deref().map(|token| ("page_token", token));
            let fetched = self.page("vehicles", position).await?;
            attempts = attempts.max(fetched.attempts);
            let page: Page = read(&fetched.body, attempts)?;
            let next = page.next_page_token.clone();
            pages.push(page);
            match next {
                None => return Ok((pages, attempts)),
                Some(next) if !seen.insert(next.clone()) => {
                    return Err(in_a_circle(pages.len(), attempts));
                }
                Some(next) => token = Some(next),
            }
        }
    }

    /// What has changed since a cursor, or everything without one; also where the provider knows the cursor
    /// no more. What does not fit into this poll, by pages or by time, is for the next to go on with.
    pub(super) async fn changes(&self, from: Option<&FeedCursor>) -> Result<Changes, FetchError> {
        let mut from = from.cloned();
        let mut anew = from.is_none();
        let mut vehicles = Vec::new();
        let mut attempts = 0;
        let mut seen = HashSet::new();
        let mut pages = 0;
        loop {
            pages += 1;
            let position = from.as_ref().map(|cursor| ("cursor", cursor.as_str()));
            let fetched = match self.page("changes", position).await {
                Err(failed) if pages == 1 && !anew && is_forgotten(&failed) => {
                    (anew, attempts) = (true, failed.attempts);
                    self.page("changes", None).await
                }
                fetched => fetched,
            }?;
            attempts = attempts.max(fetched.attempts);
            let page: ChangesPage = read(&fetched.body, attempts)?;
            let cursor = FeedCursor::try_new(&page.cursor).map_err(|invalid| {
                let detail = format!("the answer's cursor {invalid}");
                wrong(ErrorClass::InvalidResponse, detail, attempts)
            })?;
            vehicles.extend(page.vehicles);
            if page.more && !seen.insert(cursor.clone()) {
                return Err(in_a_circle(pages, attempts));
            }
            if page.more && pages < self.limits.pages && self.has_time() {
                from = Some(cursor);
                continue;
            }
            let reach = match (anew, page.more) {
                (true, false) => Reach::Everything,
                (true, true) => Reach::Beginning,
                (false, _) => Reach::Changes,
            };
            return Ok(Changes {
                vehicles,
                cursor,
                reach,
                attempts,
            });
        }
    }

    /// Whether another page of a feed is begun: in the first half of the time that the poll has.
    fn has_time(&self) -> bool {
        Instant::now() + self.limits.deadline / 2 < self.deadline
    }

    async fn page(&self, of: &str, position: Option<(&str, &str)>) -> Result<Fetched, FetchError> {
        let request = || {
            let mut url = self.base_url.clone();
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().push(of);
            }
            self.http
                .get(url)
                .query(&[("page_size", PAGE_SIZE)])
                .query(&position.map(|position| [position]))
                .bearer_auth(self.key.expose_secret())
        };
        fetch(request, &self.turns, &self.limits, self.deadline).await
    }
}

/// 410 by the protocol, 400 from one that has changed what its cursors are.
fn is_forgotten(failed: &FetchError) -> bool {
    matches!(
        failed.status,
        Some(StatusCode::GONE | StatusCode::BAD_REQUEST)
    )
}

fn read<T: DeserializeOwned>(body: &[u8], attempts: u32) -> Result<T, FetchError> {
    serde_json::from_slice(body).map_err(|error| FetchError {
        error: unreadable(&error),
        attempts,
        status: None,
    })
}

fn in_a_circle(pages: usize, attempts: u32) -> FetchError {
    let detail = format!("the pages go in a circle after {pages} of them");
    wrong(ErrorClass::CursorLoop, detail, attempts)
}

fn wrong(class: ErrorClass, detail: String, attempts: u32) -> FetchError {
    FetchError {
        error: failure(class, detail),
        attempts,
        status: None,
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
