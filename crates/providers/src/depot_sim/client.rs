//! The wire: `GET {base}/vehicles`, page by page.

use std::collections::HashSet;

use domain::polling::ErrorClass;
use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fetch::{FetchError, failure};
use crate::session::{Session, unreadable};

/// Vehicles a page; the protocol's maximum.
const PAGE_SIZE: &str = "100";

/// One page, its vehicles still unread: one that cannot be read must not spoil the others.
#[derive(Deserialize)]
pub(super) struct Page {
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

/// Every page, with the requests of the most-tried one.
pub(super) async fn pages(session: &Session<'_>) -> Result<(Vec<Page>, u32), FetchError> {
    let mut pages = Vec::new();
    let mut attempts = 0;
    let mut seen = HashSet::new();
    let mut token: Option<String> = None;
    loop {
        if pages.len() == session.limits.pages {
            let error = failure(
                ErrorClass::InvalidResponse,
                format!("the answer has more than {} pages", session.limits.pages),
            );
            return Err(FetchError { error, attempts });
        }
        let fetched = session.fetch(|| request(session, token.as_deref())).await?;
        attempts = attempts.max(fetched.attempts);
        let page = Page::read(&fetched.body).map_err(|error| FetchError {
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

fn request(session: &Session<'_>, token: Option<&str>) -> RequestBuilder {
    session
        .http
        .get(session.url(&["vehicles"]))
        .query(&[("page_size", PAGE_SIZE)])
        .query(&token.map(|token| [("page_token", token)]))
        .bearer_auth(session.key.expose_secret())
}
