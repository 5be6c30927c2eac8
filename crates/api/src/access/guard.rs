//! The guard before every handler. It settles, in this order: who is calling, whether the caller sends too many
//! requests, whether the caller may know of the workspace, whether the caller may use the route, and whether the
//! body's envelope is acceptable.

use application::Author;
use auth::{Principal, VerifyError};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::WorkspaceId;

use super::table::Route;
use crate::problem::{Problem, ProblemKind};
use crate::request::{TraceContext, check_body_headers};
use crate::state::{AppState, SharedState};

const WORKSPACE_ID: &str = "workspace_id";

/// The verified caller of a request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The machine or person.
    pub principal: Principal,
    id: String,
    trace: TraceContext,
}

impl Caller {
    /// The caller as the author of a change.
    pub fn author(&self) -> Author<'_> {
        Author {
            id: &self.id,
            trace_id: Some(&self.trace.trace_id),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The guard inserts the caller on every route that is not open, and no handler of an open route asks.
        parts
            .extensions
            .get()
            .cloned()
            .ok_or(Problem::of(ProblemKind::UNAUTHORIZED))
    }
}

/// Runs before every matched route, whatever its method.
pub(crate) async fn guard(
    State(state): SharedState,
    path: MatchedPath,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let workspace = match params {
        Ok(params) => params
            .iter()
            .find(|(name, _)| *name == WORKSPACE_ID)
            .map(|(_, id)| NamedWorkspace::new(id)),
        // The handler refuses a path that is not UTF-8, for callers who may know of the workspace.
        Err(_) => {
            undecoded_workspace_id(path.as_str(), request.uri().path()).map(NamedWorkspace::new)
        }
    };
    match admit(&state, path.as_str(), workspace.as_ref(), &mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => refuse(problem, path.as_str()),
    }
}

/// The workspace that a path names; `None` inside if the text is not a workspace id, which then is no
/// workspace of any caller's.
struct NamedWorkspace(Option<WorkspaceId>);

impl NamedWorkspace {
    fn new(text: &str) -> Self {
        Self(WorkspaceId::try_new(text).ok())
    }
}

/// Builds the answer of a refusal. A refused method comes with the methods that the path has.
fn refuse(problem: Problem, path: &str) -> Response {
    let mut answer = problem.into_response();
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(allow) = HeaderValue::from_str(&Route::methods(path).join(","))
    {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// Finds the workspace id of a path as it was sent, for a path that cannot be decoded.
fn undecoded_workspace_id<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let is_workspace_id =
        |(named, _): &(&str, &str)| named.trim_matches(['{', '}']) == WORKSPACE_ID;
    let mut segments = template.split('/').zip(path.split('/'));
    segments.find(is_workspace_id).map(|(_, id)| id)
}

/// Admits a request to its handler, or says why not.
async fn admit(
    state: &AppState,
    path: &str,
    workspace: Option<&NamedWorkspace>,
    request: &mut Request,
) -> Result<(), Problem> {
    let is_closed = path.starts_with("/dev/") && state.dev_issuer.is_none();
    if is_closed || Route::methods(path).is_empty() {
        return Err(Problem::not_found("resource"));
    }
    let route = Route::find(request.method(), path);
    if !Route::is_open(path) {
        let trace = request.extensions().get().cloned().unwrap_or_default();
        let caller = identify(state, request.headers(), trace).await?;
        authorize(&caller.principal, route, workspace)?;
        request.extensions_mut().insert(caller);
    }
    // A handler without a row in the table is not reached, whoever asks.
    let route = route.ok_or(Problem::of(ProblemKind::METHOD_NOT_ALLOWED))?;
    match route.body.limit() {
        Some(limit) => check_body_headers(request.headers(), limit),
        None => Ok(()),
    }
}

/// Identifies the caller and counts the request against the caller's rate limit. The limit comes before
/// anything that depends on workspaces, so that it also bounds a caller who guesses workspace ids.
async fn identify(
    state: &AppState,
    headers: &HeaderMap,
    trace: TraceContext,
) -> Result<Caller, Problem> {
    let principal = authenticate(state, headers).await?;
    let id = principal.id();
    state
        .rates
        .admit(&principal, &id)
        .map_err(|wait| Problem::of(ProblemKind::RATE_LIMITED).retry_after(wait))?;
    Ok(Caller {
        principal,
        id,
        trace,
    })
}

/// Checks that the caller may know of the workspace and may use the route. A method without a row is refused
/// later, by [`admit`].
fn authorize(
    principal: &Principal,
    route: Option<&Route>,
    workspace: Option<&NamedWorkspace>,
) -> Result<(), Problem> {
    if workspace.is_some_and(|workspace| !may_know_of(principal, workspace)) {
        return Err(Problem::not_found("workspace"));
    }
    let workspace_id = workspace.and_then(|workspace| workspace.0.as_ref());
    match route {
        Some(route) if !route.access.allows(principal, workspace_id) => {
            Err(Problem::of(ProblemKind::FORBIDDEN))
        }
        _ => Ok(()),
    }
}

/// Whether a caller may learn that a workspace exists. Machines are not bound to workspaces. People see their
/// own workspaces, and staff see all.
fn may_know_of(principal: &Principal, NamedWorkspace(id): &NamedWorkspace) -> bool {
    match principal {
        Principal::Machine { .. } => true,
        Principal::Person { .. } => {
            let has_role = |id: &WorkspaceId| principal.workspace_role(id.as_str()).is_some();
            principal.is_staff() || id.as_ref().is_some_and(has_role)
        }
    }
}

async fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Principal, Problem> {
    let unauthorized = |detail: &str| Problem::of(ProblemKind::UNAUTHORIZED).detail(detail);
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(unauthorized("exactly one Authorization header is required"));
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(|| unauthorized("a Bearer token is required"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthorized("a Bearer token is required"));
    }
    state
        .verifier
        .verify(token.trim())
        .await
        .map_err(|error| match error {
            VerifyError::Invalid(reason) => {
                tracing::debug!(%reason, "a token was refused");
                unauthorized("the token is not accepted")
            }
            VerifyError::KeysUnavailable => Problem::of(ProblemKind::KEYS_UNAVAILABLE),
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use application::commands::PushQueue;
    use auth::{Verifier, VerifierSettings};
    use axum::Router;
    use axum::body::Body;
    use axum::http::Method;
    use axum::middleware::from_fn_with_state;
    use axum::routing::any;
    use clock::Clock;
    use providers::AddressPolicy;
    use testkit::core_without_database;
    use tokio_util::task::TaskTracker;
    use tower::ServiceExt;

    use super::*;
    use crate::HttpLimits;
    use crate::access::RateLimits;
    use crate::state::Features;

    /// The state of an instance whose database and issuer are never reached.
    fn state() -> AppState {
        let clock = Clock::system();
        let settings =
            VerifierSettings::try_new("issuer", "http://127.0.0.1:1/jwks", ["client"], None);
        AppState {
            core: core_without_database(clock.clone()),
            rates: RateLimits::new(None, None, &clock),
            http: HttpLimits::default(),
            strict_transport: false,
            pushes: PushQueue::default(),
            verifier: Verifier::try_new(settings.expect("settings"), clock).expect("a verifier"),
            worker: None,
            applier: None,
            sweeper: None,
            addresses: AddressPolicy {
                allowed_hosts: Vec::new(),
                loopback_http: false,
            },
            dev_issuer: None,
            tasks: TaskTracker::new(),
            features: Features::default(),
        }
    }

    #[tokio::test]
    async fn a_handler_without_a_row_is_not_reached() {
        let everything = || any(|| async { "reached" });
        let state = Arc::new(state());
        let app = Router::new()
            .route("/livez", everything())
            .route("/api/telematics-mvp/forgotten", everything())
            .route_layer(from_fn_with_state(state.clone(), guard))
            .with_state(state);
        for (method, path, status) in [
            (Method::GET, "/livez", 200),
            (Method::HEAD, "/livez", 200),
            (Method::POST, "/livez", 405),
            (Method::OPTIONS, "/livez", 405),
            (Method::GET, "/api/telematics-mvp/forgotten", 404),
            (Method::POST, "/api/telematics-mvp/forgotten", 404),
        ] {
            let request = Request::builder().method(&method).uri(path);
            let request = request.body(Body::empty()).expect("a request");
            let answer = app.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), status, "{method} {path}");
            let allow = answer.headers().get(header::ALLOW);
            let allowed = allow.map(|methods| methods.to_str().expect("plain text"));
            assert_eq!(allowed, (status == 405).then_some("GET,HEAD"));
        }
    }
}
