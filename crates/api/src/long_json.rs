//! Long answers.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::problem::{Problem, ProblemKind};

/// A JSON answer of a list, written into memory of about its size at once: growing by doubling would
/// copy it once more, and touch twice the pages.
pub(crate) struct LongJson<T> {
    pub(crate) answer: T,
    /// A little more than it takes.
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
                    "an answer has no JSON form"
                );
                Problem::of(ProblemKind::INTERNAL).into_response()
            }
        }
    }
}
