//! The wire: `GET {base}/vehicles` or `GET {base}/changes`, page by page.

use domain::polling::FeedCursor;
use reqwest::{RequestBuilder, StatusCode};
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

/// One page of the feed of changes, its vehicles unread as well.
#[derive(Deserialize)]
pub(super) struct ChangesPage {
    #[serde(deserialize_with = "at_most::<PAGE_SIZE, _, _>")]
    pub(super) vehicles: Vec<Box<RawValue>>,
    /// Where to go on.
    pub(super) cursor: String,
    /// Whether there is more right now.
    pub(super) more: bool,
}

/// The page that a token leads to, or the first one; with the requests that it took.
pub(super) async fn page(
    session: &Session<'_>,
    token: Option<&str>,
) -> Result<(Page, u32), FetchError> {
    let position = token.map(|token| ("page_token", token));
    let request = || request(session, "vehicles", position);
    let fetched = session.fetch(request).await?;
    match Page::read(&fetched.body) {
        Ok(page) => Ok((page, fetched.attempts)),
        Err(error) => Err(FetchError::new(unreadable(&error), fetched.attempts)),
    }
}

/// The page of the feed that a cursor leads to, or its first one; with the requests that it took.
pub(super) async fn changes(
    session: &Session<'_>,
    cursor: Option<&FeedCursor>,
) -> Result<(ChangesPage, u32), FetchError> {
    let position = cursor.map(|cursor| ("cursor", cursor.as_str()));
    let request = || request(session, "changes", position);
    let fetched = session.fetch(request).await?;
    match serde_json::from_slice(&fetched.body) {
        Ok(page) => Ok((page, fetched.attempts)),
        Err(error) => Err(FetchError::new(unreadable(&error), fetched.attempts)),
    }
}

/// Whether a cursor is known no more: 410 by the protocol, 400 from one that has changed what its cursors
/// are.
pub(super) fn is_forgotten(failed: &FetchError) -> bool {
    matches!(
        failed.status,
        Some(StatusCode::GONE | StatusCode::BAD_REQUEST)
    )
}

fn request(session: &Session<'_>, of: &str, position: Option<(&str, &str)>) -> RequestBuilder {
    session
        .http
        .get(session.url(&[of]))
        .query(&[("page_size", PAGE_SIZE)])
        .query(&position.map(|position| [position]))
        .bearer_auth(session.key.expose_secret())
}
