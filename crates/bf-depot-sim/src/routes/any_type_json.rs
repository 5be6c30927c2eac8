//! The extractor of JSON bodies. It accepts any content type, because `curl -d` sends a form's.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::failure::RequestFailure;

/// A request's body, decoded from JSON.
pub(super) struct AnyTypeJson<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for AnyTypeJson<T> {
    type Rejection = RequestFailure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| RequestFailure::BadRequest(rejection.body_text()))?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| RequestFailure::BadRequest(error.to_string()))
    }
}
