//! The one catalogue of problems (RFC 9457).

use std::time::Duration;

use application::commands::{ChangeError, Conflict};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use persistence::StorageError;
use serde::Serialize;
use utoipa::ToSchema;

/// A kind of problem: its type, title and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// The last part of `/problems/…`.
    pub slug: &'static str,
    /// For people, the same for every problem of the kind.
    pub title: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:ident, $title:literal;)+) => {
        impl ProblemKind {
            $($(#[$doc])* pub const $name: Self = Self { slug: $slug, title: $title, status: StatusCode::$status };)+

            /// The whole catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

problems! {
    /// A body, parameter or header breaks the contract.
    VALIDATION = "validation", BAD_REQUEST, "The request is not valid";
    /// No token, or one that is not accepted.
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED, "A valid access token is required";
    /// The caller may not do this.
    FORBIDDEN = "forbidden", FORBIDDEN, "The caller may not do this";
    /// No such thing, or none that the caller may know of.
    NOT_FOUND = "not-found", NOT_FOUND, "There is no such resource";
    /// The resource has no such method.
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "The resource has no such method";
    /// Something stands in the way.
    CONFLICT = "conflict", CONFLICT, "The request conflicts with what is there";
    /// Devices are managed in the legacy registry.
    REGISTRY_OWNED_BY_LEGACY = "registry-owned-by-legacy", CONFLICT, "The device registry belongs to the legacy service";
    /// Inactive workspaces take no updates.
    WORKSPACE_INACTIVE = "workspace-inactive", CONFLICT, "The workspace is inactive";
    /// An earlier request with this `Idempotency-Key` has no answer yet.
    IDEMPOTENCY_KEY_IN_USE = "idempotency-key-in-use", CONFLICT, "A request with this idempotency key is being answered";
    /// `If-Match` names another version than the current one.
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED, "The resource has changed";
    /// Too many bytes or items.
    PAYLOAD_TOO_LARGE = "payload-too-large", PAYLOAD_TOO_LARGE, "The request is too large";
    /// Not JSON, or an unknown encoding.
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is not of a supported type";
    /// The `Idempotency-Key` was used for another body.
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request";
    /// The request did not arrive in time.
    REQUEST_TIMEOUT = "request-timeout", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// The caller asks too often.
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS, "Too many requests";
    /// A defect of ours.
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// The database does not answer now.
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "The service is not available right now";
    /// No signing keys of the token issuer could be had yet.
    KEYS_UNAVAILABLE = "keys-unavailable", SERVICE_UNAVAILABLE, "Tokens cannot be verified right now";
    /// The legacy service owns this workspace's reads and does not answer.
    LEGACY_UNAVAILABLE = "legacy-unavailable", SERVICE_UNAVAILABLE, "The legacy service does not answer";
}

/// One wrong member or parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// RFC 6901 pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of a path or query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// For people.
    pub detail: String,
}

impl FieldError {
    /// A wrong member of the body.
    pub fn pointer(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
        }
    }

    /// A wrong parameter or header.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            detail: detail.into(),
        }
    }
}

/// A refusal on its way out. Where it happened and in which trace is added at the edge.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: Option<Box<str>>,
    errors: Vec<FieldError>,
    current: Option<serde_json::Value>,
    retry_after_seconds: Option<u32>,
}

/// The body of a problem.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/…`: the kind.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation")]
    pub problem_type: String,
    /// The same for every problem of the kind.
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// About this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path that was asked for.
    pub instance: String,
    /// W3C trace id, to be named in a support request.
    pub trace_id: String,
    /// What exactly is wrong with the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The resource as it stands, where a precondition failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<serde_json::Value>,
}

impl Problem {
    /// A problem of a kind, without more to say.
    pub const fn of(kind: ProblemKind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            current: None,
            retry_after_seconds: match kind.status {
                StatusCode::SERVICE_UNAVAILABLE => Some(5),
                _ => None,
            },
        }
    }

    /// One that may pass if the caller waits so long; told in whole seconds, at least one.
    #[must_use]
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let whole_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let seconds = u32::try_from(whole_seconds).unwrap_or(u32::MAX);
        Self {
            retry_after_seconds: Some(seconds.max(1)),
            ..self
        }
    }

    /// With words about this one.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into().into()),
            ..self
        }
    }

    /// A request with these wrong members or parameters.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "1 member is not valid".to_owned(),
            count => format!("{count} members are not valid"),
        };
        Self {
            errors,
            ..Self::of(ProblemKind::VALIDATION).detail(detail)
        }
    }

    /// No such thing.
    pub fn not_found(what: &str) -> Self {
        Self::of(ProblemKind::NOT_FOUND).detail(format!("there is no such {what}"))
    }

    /// A precondition that failed, with the resource as it stands.
    pub fn outdated(current: serde_json::Value) -> Self {
        Self {
            current: Some(current),
            ..Self::of(ProblemKind::PRECONDITION_FAILED).detail("If-Match names another version")
        }
    }

    /// A change that was not made, with how its resource is shown as it stands.
    pub fn of_change<T, V: Serialize>(error: ChangeError<T>, show: impl Fn(&T) -> V) -> Self {
        match error {
            ChangeError::UnknownWorkspace => Self::not_found("workspace"),
            ChangeError::Unknown(what) => Self::not_found(what),
            ChangeError::Outdated(current) => Self::outdated(serde_json::json!(show(&current))),
            ChangeError::Conflict(conflict) => {
                let kind = match conflict {
                    Conflict::RegistryOwnedByLegacy => ProblemKind::REGISTRY_OWNED_BY_LEGACY,
                    _ => ProblemKind::CONFLICT,
                };
                Self::of(kind).detail(conflict.to_string())
            }
            ChangeError::Storage(error) => error.into(),
        }
    }

    /// The last part of its type.
    pub(crate) const fn slug(&self) -> &'static str {
        self.kind.slug
    }

    /// The answer, once it is known where it happened.
    pub(crate) fn into_answer(self, instance: &str, trace_id: &str) -> Response {
        let body = ProblemBody {
            problem_type: format!("/problems/{}", self.kind.slug),
            title: self.kind.title,
            status: self.kind.status.as_u16(),
            detail: self.detail.map(Into::into),
            instance: instance.to_owned(),
            trace_id: trace_id.to_owned(),
            errors: self.errors,
            current: self.current,
        };
        let mut answer = (self.kind.status, Json(body)).into_response();
        let headers = answer.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.kind.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            );
        }
        if self.kind.status == StatusCode::REQUEST_TIMEOUT {
            // What is still to come of the body is not waited for.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// Carries a problem out to the edge, where [`crate::edge`] gives it its body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database is not available"
            );
            Self::of(ProblemKind::UNAVAILABLE)
        } else {
            tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
            Self::of(ProblemKind::INTERNAL)
        }
    }
}
