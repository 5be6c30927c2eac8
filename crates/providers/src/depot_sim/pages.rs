//! The wire: `GET {base}/vehicles` or `GET {base}/changes`, page by page.

use domain::polling::{FeedCursor, PollError};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::account::{AccountClient, FetchError, parse_page};
use crate::message::deserialize_bounded_list;

/// Vehicles a page; the protocol's maximum.
const PAGE_SIZE: usize = 100;

/// One page of all vehicles. The vehicles are not parsed yet: one that cannot be read must not spoil the others.
#[derive(Deserialize)]
pub(super) struct VehiclesPage {
    #[serde(deserialize_with = "deserialize_bounded_list::<PAGE_SIZE, _, _>")]
    pub(super) vehicles: Vec<Box<RawValue>>,
    pub(super) next_page_token: Option<String>,
}

/// One page of the feed of changes. The vehicles are not parsed yet.
#[derive(Deserialize)]
pub(super) struct ChangesPage {
    #[serde(deserialize_with = "deserialize_bounded_list::<PAGE_SIZE, _, _>")]
    pub(super) vehicles: Vec<Box<RawValue>>,
    /// Where the next page begins.
    pub(super) cursor: String,
    /// Whether there is a next page now.
    pub(super) more: bool,
}

/// Fetches the page that a token leads to, or the first one.
pub(super) async fn fetch_vehicles(
    client: &AccountClient<'_>,
    page_token: Option<&str>,
) -> Result<VehiclesPage, PollError> {
    let key = client.credential().key()?;
    let position = page_token.map(|token| ("page_token", token));
    let body = client
        .fetch(|| request(client, key, "vehicles", position))
        .await?;
    parse_page(&body)
}

/// Why a page of changes did not come.
pub(super) enum ChangesError {
    /// The provider does not know the cursor any more.
    CursorForgotten(PollError),
    /// Anything else.
    Failed(PollError),
}

impl From<ChangesError> for PollError {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::CursorForgotten(error) | ChangesError::Failed(error) => error,
        }
    }
}

/// Fetches the page of the feed that a cursor leads to, or the feed's first one.
pub(super) async fn fetch_changes(
    client: &AccountClient<'_>,
    cursor: Option<&FeedCursor>,
) -> Result<ChangesPage, ChangesError> {
    let key = client.credential().key().map_err(ChangesError::Failed)?;
    let position = cursor.map(|cursor| ("cursor", cursor.as_str()));
    let fetched = client
        .fetch(|| request(client, key, "changes", position))
        .await;
    let body = fetched.map_err(|failed| {
        if cursor.is_some() && refuses_cursor(&failed) {
            ChangesError::CursorForgotten(failed.error)
        } else {
            ChangesError::Failed(failed.error)
        }
    })?;
    parse_page(&body).map_err(ChangesError::Failed)
}

/// Returns whether an answer refuses a cursor: 410 by the protocol, 400 from a simulator whose cursors have changed.
fn refuses_cursor(failed: &FetchError) -> bool {
    matches!(
        failed.status,
        Some(StatusCode::GONE | StatusCode::BAD_REQUEST)
    )
}

fn request(
    client: &AccountClient<'_>,
    key: &SecretString,
    resource: &str,
    position: Option<(&str, &str)>,
) -> RequestBuilder {
    client
        .get(&[resource])
        .query(&[("page_size", PAGE_SIZE)])
        .query(&position.map(|position| [position]))
        .bearer_auth(key.expose_secret())
}
