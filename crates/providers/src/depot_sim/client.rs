//! The wire: `GET {base}/vehicles`, page by page.

use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bounded::at_most;
use crate::fetch::FetchError;
use crate::session::{Session, unreadable};

/// Vehicles a page; the protocol's maximum.
const PAGE_SIZE: usize = 100;

/// One page, its vehicles still unread: one that cannot be read must not spoil the others.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(deserialize_with = "at_most::<PAGE_SIZE, _, _>")]
    pub(super) vehicles: Vec<Box<RawValue>>,
    pub(super) next_page_token: Option<String>,
}

impl Page {
    /// # Errors
    /// When the answer is no page.
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// The page that a token leads to, or the first one; with the requests that it took.
pub(super) async fn page(
    session: &Session<'_>,
    token: Option<&str>,
) -> Result<(Page, u32), FetchError> {
    let fetched = session.fetch(|| request(session, token)).await?;
    match Page::read(&fetched.body) {
        Ok(page) => Ok((page, fetched.attempts)),
        Err(error) => Err(FetchError {
            error: unreadable(&error),
            attempts: fetched.attempts,
        }),
    }
}

fn request(session: &Session<'_>, token: Option<&str>) -> RequestBuilder {
    session
        .http
        .get(session.url(&["vehicles"]))
        .query(&[("page_size", PAGE_SIZE)])
        .query(&token.map(|token| [("page_token", token)]))
        .bearer_auth(session.key.expose_secret())
}
