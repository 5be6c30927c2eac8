//! The client that fetches the JWKS document, with limits that keep a bad answer small and short.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};

use crate::jwks::{KeySet, KeySetError};
use crate::settings::is_loopback;

/// The time limit for the whole exchange, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(crate) struct JwksClient {
    http: Client,
    url: Url,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the JWKS request failed")]
    Request(#[from] reqwest::Error),
    #[error("the JWKS request was answered with status {0}")]
    Status(StatusCode),
    #[error("the JWKS document is longer than {MAX_BODY_BYTES} bytes")]
    TooLong,
    #[error("the JWKS document cannot be used")]
    Document(#[from] KeySetError),
}

impl JwksClient {
    pub(crate) fn try_new(url: Url) -> Result<Self, reqwest::Error> {
        let mut http = Client::builder()
            .timeout(TIMEOUT)
            // Only the configured address is trusted, so an answer may not name another.
            .redirect(redirect::Policy::none())
            // The limit on the body must count the bytes that are parsed.
            .no_gzip()
            // One request an hour does not justify an open connection in between.
            .pool_max_idle_per_host(0);
        if is_loopback(&url) {
            http = http.no_proxy();
        } else {
            http = http.https_only(true);
        }
        Ok(Self {
            http: http.build()?,
            url,
        })
    }

    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut answer = self.http.get(self.url.clone()).send().await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::parse(&body)?)
    }
}
