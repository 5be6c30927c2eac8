//! The outermost layer. It gives every request a trace, an id and time limits, every refusal its body, and every
//! answer its headers and its log line.

mod log_line;
mod security_headers;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use clock::Stopwatch;
use telemetry::{metrics, traces};
use tracing::{Instrument, Span};

use crate::problem::{Problem, ProblemKind};
use crate::request::{PendingBody, RequestId, TraceContext};
use crate::state::{AppState, SharedState};

/// Runs around every request, matched or not. A refusal gets the body of RFC 9457, whether a handler or the
/// framework refused.
pub(crate) async fn edge(State(state): SharedState, mut request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let fresh = state.core.ids.next(state.core.clock.now());
    let trace = TraceContext::from_headers(request.headers(), fresh);
    let request_id = RequestId::from_headers(request.headers(), fresh);
    let span = request_span(&request, &trace, &request_id);
    traces::enter(&span, &trace.trace_id, trace.parent_id.as_deref());
    request.extensions_mut().insert(trace.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answering = async {
        let method = request.method().clone();
        let (mut answer, error_type) = answer_in_time(&state, request, next, &trace).await;
        let headers = answer.headers_mut();
        if let Ok(trace_id) = HeaderValue::from_str(&trace.trace_id) {
            headers.insert("x-trace-id", trace_id);
        }
        request_id.add_to(headers);
        security_headers::add(headers, state.strict_transport);
        let status = answer.status();
        log_line::write(&method, status, error_type, stopwatch.elapsed_ms());
        let route = route.as_ref().map(MatchedPath::as_str);
        metrics::http_answered(method.as_str(), route, status.as_u16(), stopwatch.elapsed());
        traces::answered(&Span::current(), method.as_str(), route, status.as_u16());
        answer
    };
    answering.instrument(span).await
}

/// The fields that every log line of the request has. The span has the highest level, so that every filter that
/// shows a line also shows its request. An unmatched path is left out, because a client may put anything there.
fn request_span(request: &Request, trace: &TraceContext, request_id: &RequestId) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    tracing::error_span!(
        "request",
        trace_id = %trace.trace_id,
        request_id = request_id.as_str(),
        "http.request.method" = request.method().as_str(),
        "http.route" = route.map(MatchedPath::as_str),
        "url.path" = route.map(|_| request.uri().path()),
    )
}

/// Answers the request within the time limits. Returns the answer with its body, and the kind of problem if the
/// answer is one.
async fn answer_in_time(
    state: &AppState,
    request: Request,
    next: Next,
    trace: &TraceContext,
) -> (Response, Option<&'static str>) {
    let instance = request.uri().path().to_owned();
    let (pending_body, request) = PendingBody::lend(request, state.http.body_within);
    let mut answer = tokio::select! {
        answer = next.run(request) => answer,
        () = pending_body.wait_after_arrival(state.http.answer_within) => {
            tracing::warn!("the request was not answered in time");
            Problem::of(ProblemKind::UNAVAILABLE).detail("it was not done in time").into_response()
        }
    };
    if answer.status().is_client_error() {
        pending_body.drain().await;
    }
    let Some(problem) = take_problem(&mut answer) else {
        return (answer, None);
    };
    let allow = answer.headers().get(header::ALLOW).cloned();
    let error_type = problem.slug();
    answer = problem.into_answer(&instance, &trace.trace_id);
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    (answer, Some(error_type))
}

/// Finds the problem of a refusal: the handler's own, or else one that matches the framework's status.
fn take_problem(answer: &mut Response) -> Option<Problem> {
    if let Some(problem) = answer.extensions_mut().remove::<Problem>() {
        return Some(problem);
    }
    let kind = match answer.status() {
        StatusCode::NOT_FOUND => ProblemKind::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => ProblemKind::METHOD_NOT_ALLOWED,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::PAYLOAD_TOO_LARGE,
        status if status.is_server_error() => ProblemKind::INTERNAL,
        status if status.is_client_error() => ProblemKind::VALIDATION,
        _ => return None,
    };
    Some(Problem::of(kind))
}

/// Answers a request whose handler panicked. The panic is logged with its message.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `CatchPanicLayer` asks for"
)]
pub(crate) fn on_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(error.message = message, "a handler panicked");
    Problem::of(ProblemKind::INTERNAL).into_response()
}
