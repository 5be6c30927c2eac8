//! The errors of all endpoints, and how they are answered.

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::protocol::{ErrorBody, ErrorDetail};
use crate::simulator::UnknownAccount;

/// The reason why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RequestFailure {
    #[error("{0}")]
    BadRequest(String),
    #[error("the key is missing or wrong")]
    CredentialsRejected,
    #[error(transparent)]
    UnknownAccount(#[from] UnknownAccount),
    #[error("the cursor is from before this account began; read without one")]
    CursorGone,
    #[error("there is nothing at this path")]
    NotFound,
    #[error("this path does not take that method")]
    MethodNotAllowed,
    #[error("too many requests")]
    RateLimited { retry_after_seconds: u32 },
    #[error("the service is unavailable")]
    Unavailable,
}

impl RequestFailure {
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::CredentialsRejected => (StatusCode::UNAUTHORIZED, "credentials_rejected"),
            Self::UnknownAccount(_) => (StatusCode::NOT_FOUND, "unknown_account"),
            Self::CursorGone => (StatusCode::GONE, "cursor_gone"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        }
    }
}

impl IntoResponse for RequestFailure {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let body = ErrorBody {
            error: ErrorDetail {
                code,
                message: self.to_string(),
            },
        };
        let mut response = (status, Json(body)).into_response();
        match self {
            Self::RateLimited {
                retry_after_seconds,
            } => {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, retry_after_seconds.into());
            }
            Self::CredentialsRejected => {
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

pub(super) async fn not_found() -> RequestFailure {
    RequestFailure::NotFound
}

pub(super) async fn method_not_allowed() -> RequestFailure {
    RequestFailure::MethodNotAllowed
}
