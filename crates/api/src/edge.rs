//! The outermost layer: every request gets a trace, every refusal its body.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::problem::{Problem, ProblemKind};
use crate::request::{TraceContext, Unread};
use crate::state::AppState;

/// Gives the request its trace, and an answer that is a refusal the body of RFC 9457, whether a
/// handler refused or the framework did.
pub(crate) async fn edge(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let fresh = state.core.ids.next(state.core.clock.now());
    let trace = TraceContext::of(request.headers(), fresh);
    let instance = request.uri().path().to_owned();
    let span = tracing::info_span!("request", trace_id = %trace.trace_id, http.request.method = %request.method(), url.path = %instance);
    request.extensions_mut().insert(trace.clone());
    let (unread, request) = Unread::of(request);
    let mut answer = next.run(request).instrument(span).await;
    if answer.status().is_client_error() {
        unread.throw_away().await;
    }
    if let Some(problem) = problem_of(&mut answer) {
        let allow = answer.headers().get(header::ALLOW).cloned();
        answer = problem.into_answer(&instance, &trace.trace_id);
        if let Some(allow) = allow {
            answer.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Ok(trace_id) = HeaderValue::from_str(&trace.trace_id) {
        answer.headers_mut().insert("x-trace-id", trace_id);
    }
    answer
}

fn problem_of(answer: &mut Response) -> Option<Problem> {
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

/// A panic is a defect of ours, told as such and logged with its message.
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
    axum::response::IntoResponse::into_response(Problem::of(ProblemKind::INTERNAL))
}
