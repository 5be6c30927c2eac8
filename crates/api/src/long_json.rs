//! Long JSON answers, such as lists.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::{Problem, ProblemKind};

/// A long JSON answer. It is written into a buffer that is allocated once with about the final size, because a
/// buffer that grows by doubling copies the answer once more and touches twice the memory.
pub(crate) struct LongJson<T> {
    pub(crate) answer: T,
    /// The expected size of the answer in bytes, a little too large rather than too small.
    pub(crate) about_bytes: usize,
}

impl<T: Serialize> IntoResponse for LongJson<T> {
    fn into_response(self) -> Response {
        let mut bytes = Vec::with_capacity(self.about_bytes);
        match serde_json::to_writer(&mut bytes, &self.answer) {
            Ok(()) => {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], Body::from(bytes)).into_response()
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an answer could not be serialized as JSON"
                );
                Problem::of(ProblemKind::INTERNAL).into_response()
            }
        }
    }
}
