//! The catalogue of all problems (RFC 9457) that this service answers, and how errors become problems.

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

/// A kind of problem: a reference to one row of the catalogue, so that errors that carry it stay small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemKind(&'static CatalogueEntry);

impl Deref for ProblemKind {
    type Target = CatalogueEntry;

    fn deref(&self) -> &CatalogueEntry {
        self.0
    }
}

/// The entry of the catalogue for one kind: type, title and status, and the text of its page.
#[derive(Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The last part of `/problems/…`.
    pub slug: &'static str,
    /// The title for people, the same for every problem of the kind.
    pub title: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The cases in which the problem is answered. Words in backticks are names of the contract.
    pub when: &'static str,
    /// What a caller should do about the problem.
    pub what_to_do: &'static str,
}

macro_rules! problems {
    ($($name:ident = $slug:literal, $status:ident, $title:literal, $when:literal, $what_to_do:literal;)+) => {
        impl ProblemKind {
            $(#[doc = $when] pub const $name: Self = Self(&CatalogueEntry {
                slug: $slug,
                title: $title,
                status: StatusCode::$status,
                when: $when,
                what_to_do: $what_to_do,
            });)+

            /// All kinds of problems.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

problems! {
    VALIDATION = "validation", BAD_REQUEST, "The request is not valid",
        "a body, parameter or header breaks the contract",
        "correct the members and parameters that `errors` names, then send it again";
    UNAUTHORIZED = "unauthorized", UNAUTHORIZED, "A valid access token is required",
        "the request has no token, several tokens, or one that is not accepted",
        "get a fresh access token; see `WWW-Authenticate`";
    FORBIDDEN = "forbidden", FORBIDDEN, "The caller may not do this",
        "the caller's scopes or groups do not permit this operation",
        "ask an administrator for the scope or group that the operation names in `/openapi.json`";
    NOT_FOUND = "not-found", NOT_FOUND, "There is no such resource",
        "the path or the resource does not exist, or the caller may not know of it",
        "check the path and the ids in it";
    METHOD_NOT_ALLOWED = "method-not-allowed", METHOD_NOT_ALLOWED, "The resource has no such method",
        "the resource does not have this method",
        "use one of the methods that the header `Allow` names";
    CONFLICT = "conflict", CONFLICT, "The request conflicts with what is there",
        "the connection is unknown or in use, the external id is taken, or the type of a connection or the flags of an existing workspace would change",
        "read `detail`, which says what is in the way";
    REGISTRY_OWNED_BY_LEGACY = "registry-owned-by-legacy", CONFLICT, "The device registry belongs to the legacy service",
        "a device write while `device_registry_source` is `legacy_sync`",
        "change the device in the legacy registry";
    WORKSPACE_INACTIVE = "workspace-inactive", CONFLICT, "The workspace is inactive",
        "a batch was sent for an inactive workspace; nothing of it was kept",
        "activate the workspace, then send the batch again";
    IDEMPOTENCY_KEY_IN_USE = "idempotency-key-in-use", CONFLICT, "A request with this idempotency key is being answered",
        "an earlier request with this `Idempotency-Key` has not been answered yet",
        "wait, then send the same request again";
    HISTORY_NOT_RETAINED = "history-not-retained", GONE, "The history does not reach back that far",
        "`at` is before the history that is kept of the workspace",
        "ask for a later instant; `detail` says when the history begins";
    PRECONDITION_FAILED = "precondition-failed", PRECONDITION_FAILED, "The resource has changed",
        "`If-Match` names another version; `current` is the resource as it stands",
        "compare `current` with your change, then send it again with the new version";
    PAYLOAD_TOO_LARGE = "payload-too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "the batch has more than 10,000 updates or 1,000 envelopes, or the decompressed body more than 8 MiB for ingest, 256 KiB elsewhere",
        "send a smaller body; split a batch into several requests";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body is not of a supported type",
        "`Content-Type` is not `application/json` in UTF-8, or `Content-Encoding` is not known",
        "send JSON with `Content-Type: application/json`, uncompressed or as gzip";
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key belongs to another request",
        "the `Idempotency-Key` was used with another body in the last 24 h",
        "use a new key for a new request";
    REQUEST_TIMEOUT = "request-timeout", REQUEST_TIMEOUT, "The request took too long to arrive",
        "the body did not arrive within 30 s after the headers",
        "send the request again; send a smaller body if the connection is slow";
    RATE_LIMITED = "rate-limited", TOO_MANY_REQUESTS, "Too many requests",
        "a person sends more than 50 requests a second to one instance, after a burst of 200; machines have a limit only if one is configured",
        "send the request again after the seconds in `Retry-After`";
    INTERNAL = "internal", INTERNAL_SERVER_ERROR, "Something went wrong on our side",
        "this service has a defect",
        "report the problem with its `trace_id`";
    UNAVAILABLE = "unavailable", SERVICE_UNAVAILABLE, "The service is not available right now",
        "the database does not answer, or the answer took longer than 30 s; a change may or may not have been made",
        "send the request again after the seconds in `Retry-After`";
    KEYS_UNAVAILABLE = "keys-unavailable", SERVICE_UNAVAILABLE, "Tokens cannot be verified right now",
        "the token issuer's keys could not be fetched yet",
        "send the request again after the seconds in `Retry-After`";
    LEGACY_UNAVAILABLE = "legacy-unavailable", SERVICE_UNAVAILABLE, "The legacy service does not answer",
        "the legacy service owns this workspace's value reads and is not connected",
        "read the health endpoint, which core answers, or give the value reads to core by the cutover flag `read_owner`";
}

impl ProblemKind {
    /// Returns the kind with this slug, if there is one.
    pub fn named(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.slug == slug)
    }

    /// Returns the value of `type`: the path of this service at which the kind has its page.
    pub fn problem_type(self) -> String {
        format!("/problems/{}", self.slug)
    }
}

/// A refusal that a handler or a layer returns. The layer in `edge` adds `instance` and `trace_id`.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: ProblemKind,
    detail: Option<Box<str>>,
    errors: Vec<FieldError>,
    current: Option<serde_json::Value>,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// Creates a problem of a kind, without a detail.
    pub const fn of(kind: ProblemKind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            current: None,
            retry_after_seconds: None,
        }
    }

    /// Adds the time after which the caller should try again, rounded up to whole seconds, at least one.
    #[must_use]
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let whole_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let seconds = u32::try_from(whole_seconds).unwrap_or(u32::MAX);
        Self {
            retry_after_seconds: Some(seconds.max(1)),
            ..self
        }
    }

    /// Adds a text that explains this one problem.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into().into()),
            ..self
        }
    }

    /// Creates the problem of a request with these wrong members or parameters.
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

    /// Creates the problem of a resource that does not exist; `what` is the noun, such as "device".
    pub fn not_found(what: &str) -> Self {
        Self::of(ProblemKind::NOT_FOUND).detail(format!("there is no such {what}"))
    }

    /// Creates the problem of an `If-Match` that names another version, with the current resource.
    pub fn outdated(current: serde_json::Value) -> Self {
        Self {
            current: Some(current),
            ..Self::of(ProblemKind::PRECONDITION_FAILED).detail("If-Match names another version")
        }
    }

    /// Creates the problem of a refused change; `render` renders the current resource for the body.
    pub fn of_change<T, V: Serialize>(error: ChangeError<T>, render: impl Fn(&T) -> V) -> Self {
        match error {
            ChangeError::UnknownWorkspace => Self::not_found("workspace"),
            ChangeError::Unknown(what) => Self::not_found(what),
            ChangeError::Outdated(current) => Self::outdated(serde_json::json!(render(&current))),
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

    /// Returns the last part of the `type`.
    pub(crate) fn slug(&self) -> &'static str {
        self.kind.slug
    }

    /// Builds the answer with the body of RFC 9457.
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
            // Closed, because the rest of the body is not read.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let is_passing = self.kind.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.retry_after_seconds.or(is_passing.then_some(5)) {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// Puts the problem into the extensions of the response, where the layer in `edge` finds it and adds the body.
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
            "an invariant of the stored data is broken: see the ids in the error"
        );
        Self::of(ProblemKind::INTERNAL)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        if error.is_unavailable() {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database is not available: check that it runs and accepts connections"
            );
            Self::of(ProblemKind::UNAVAILABLE)
        } else {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a database statement failed"
            );
            Self::of(ProblemKind::INTERNAL)
        }
    }
}
