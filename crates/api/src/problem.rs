//! The one catalogue of problems (RFC 9457).

use std::ops::Deref;
use std::time::Duration;

use application::StorageError;
use application::commands::{ChangeError, Conflict};
use application::queries::QueryError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
pub use contract::problem::FieldError;
use contract::problem::ProblemBody;
use domain::{BrokenInvariant, TimeText};
use serde::Serialize;

/// A kind of problem: one row of the catalogue, small enough to be carried in every error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind(&'static Row);

impl Deref for ProblemKind {
    type Target = Row;

    fn deref(&self) -> &Row {
        self.0
    }
}

/// What the catalogue says of a kind: its type, title and status, and the words of its page.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The last part of `/problems/…`.
    pub slug: &'static str,
    /// For people, the same for every problem of the kind.
    pub title: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// What it is told for. Words in backticks are names of the contract.
    pub when: &'static str,
    /// What a caller does about it.
    pub what_to_do: &'static str,
}

macro_rules! problems {
    ($($name:ident = $slug:literal, $status:ident, $title:literal, $when:literal, $what_to_do:literal;)+) => {
        impl ProblemKind {
            $(#[doc = $when] pub const $name: Self = Self(&Row {
                slug: $slug,
                title: $title,
                status: StatusCode::$status,
                when: $when,
                what_to_do: $what_to_do,
            });)+

            /// The whole catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

problems! {
    VALIDATION = "validation", BAD_REQUEST, "The request is not valid",
        "a body, parameter or header breaks the contract",
        "mend what `errors` names";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED, "A valid access token is required",
        "no token, several, or one that is not accepted",
        "get a fresh access token; see `WWW-Authenticate`";
    FORBIDDEN = "forbidden", FORBIDDEN, "The caller may not do this",
        "the caller's scopes or groups do not reach this",
        "ask for the scope or group";
    NOT_FOUND = "not-found", NOT_FOUND, "There is no such resource",
        "no such route or thing, or none that the caller may know of",
        "check the ids";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "The resource has no such method",
        "the resource lacks the method; `Allow` names those it has",
        "use one of them";
    CONFLICT = "conflict", CONFLICT, "The request conflicts with what is there",
        "unknown connection, external id taken, connection in use, type of a connection, flags on an existing workspace",
        "read `detail`";
    REGISTRY_OWNED_BY_LEGACY = "registry-owned-by-legacy", CONFLICT, "The device registry belongs to the legacy service",
        "a device write while `device_registry_source` is `legacy_sync`",
        "change the device in the legacy registry";
    WORKSPACE_INACTIVE = "workspace-inactive", CONFLICT, "The workspace is inactive",
        "a batch for an inactive workspace",
        "nothing was kept; activate it first";
    IDEMPOTENCY_KEY_IN_USE = "idempotency-key-in-use", CONFLICT, "A request with this idempotency key is being answered",
        "an earlier request with this `Idempotency-Key` has not been answered yet",
        "wait, then send the same request again";
    HISTORY_NOT_RETAINED = "history-not-retained", GONE, "The history does not reach back that far",
        "`at` is before the history that is kept of the workspace",
        "ask for a later instant; `detail` has the earliest";
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED, "The resource has changed",
        "`If-Match` names another version; `current` is the resource as it stands",
        "look at `current`, decide again";
    PAYLOAD_TOO_LARGE = "payload-too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "more than 10,000 updates, or 8 MiB for ingest, 256 KiB elsewhere, decompressed",
        "send smaller batches";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is not of a supported type",
        "not `application/json`, or an unknown content encoding",
        "say what it is, or use gzip";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request",
        "the `Idempotency-Key` was used with another body in the last 24 h",
        "use a new key for a new request";
    REQUEST_TIMEOUT = "request-timeout", REQUEST_TIMEOUT, "The request took too long to arrive",
        "the body was not there 30 s after the head",
        "send it again, over a better line";
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS, "Too many requests",
        "a person asks one instance for more than 50 a second after a burst of 200; machines where that is configured",
        "try again after `Retry-After`";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side",
        "a defect of this service",
        "report it with `trace_id`";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "The service is not available right now",
        "the database does not answer, or the answer took longer than 30 s; nothing is known to be kept",
        "try again after `Retry-After`";
    KEYS_UNAVAILABLE = "keys-unavailable", SERVICE_UNAVAILABLE, "Tokens cannot be verified right now",
        "the token issuer's keys could not be had yet",
        "try again after `Retry-After`";
    LEGACY_UNAVAILABLE = "legacy-unavailable", SERVICE_UNAVAILABLE, "The legacy service does not answer",
        "the legacy service owns this workspace's value reads and is not connected",
        "read health, which core answers; or cut reads over";
}

impl ProblemKind {
    /// The kind of this slug, if there is one.
    pub fn named(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug == slug)
    }

    /// What `type` says: a path of this service, where the kind has its page.
    pub fn problem_type(self) -> String {
        format!("/problems/{}", self.slug)
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

impl Problem {
    /// A problem of a kind, without more to say.
    pub const fn of(kind: ProblemKind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            current: None,
            retry_after_seconds: None,
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
    pub(crate) fn slug(&self) -> &'static str {
        self.kind.slug
    }

    /// The answer, once it is known where it happened.
    pub(crate) fn into_answer(self, instance: &str, trace_id: &str) -> Response {
        let body = ProblemBody {
            problem_type: self.kind.problem_type(),
            title: self.kind.title.to_owned(),
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
        let is_passing = self.kind.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.retry_after_seconds.or(is_passing.then_some(5)) {
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

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound(what) => Self::not_found(what),
            QueryError::ReadsOwnedByLegacy => {
                Self::of(ProblemKind::LEGACY_UNAVAILABLE).detail(error.to_string())
            }
            QueryError::HistoryNotRetained { since } => {
                let detail = since.map_or_else(
                    || "the history of this workspace has not begun yet".to_owned(),
                    |since| {
                        format!(
                            "the history of this workspace begins at {}",
                            TimeText(since)
                        )
                    },
                );
                Self::of(ProblemKind::HISTORY_NOT_RETAINED).detail(detail)
            }
            QueryError::Storage(error) => error.into(),
        }
    }
}

impl From<BrokenInvariant> for Problem {
    fn from(error: BrokenInvariant) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "an invariant is broken"
        );
        Self::of(ProblemKind::INTERNAL)
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
