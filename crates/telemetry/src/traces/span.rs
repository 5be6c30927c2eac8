//! The functions by which the other crates describe spans. Each only reads a flag if spans are not exported.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::exporter::is_exporting;
use super::ids;

/// Whether spans are exported, for a caller whose span would cost more than the work that it describes.
pub fn are_exported() -> bool {
    is_exporting()
}

/// Puts a new span into a trace: below the caller's span if the caller has sent one, otherwise as a root. Both ids
/// are in hex, as in `traceparent`.
pub fn enter(span: &Span, trace_id: &str, parent_id: Option<&str>) {
    if !is_exporting() {
        return;
    }
    let Ok(trace_id) = TraceId::from_hex(trace_id) else {
        return;
    };
    let parent = parent_id.and_then(|id| SpanId::from_hex(id).ok());
    // Setting the parent fails only for a span that is not exported.
    let _ = match parent {
        Some(parent) => {
            let caller = SpanContext::new(
                trace_id,
                parent,
                TraceFlags::SAMPLED,
                true,
                TraceState::default(),
            );
            span.set_parent(Context::new().with_remote_span_context(caller))
        }
        None => span.set_parent(Context::new()),
    };
    ids::with_trace_id(trace_id, || drop(span.context()));
}

/// Names a request's span by its route, and adds the status of the answer.
pub fn answered(span: &Span, method: &str, route: Option<&str>, status: u16) {
    if !is_exporting() {
        return;
    }
    let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    span.context().span().update_name(name);
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// Adds to a span how its work ended, and the class of the failure if it failed.
pub fn ended(span: &Span, outcome: &'static str, error_class: Option<&'static str>) {
    if !is_exporting() {
        return;
    }
    span.set_attribute("outcome", outcome);
    if let Some(class) = error_class {
        span.set_attribute("error.type", class);
        span.set_status(Status::error(class));
    }
}

/// Returns the `traceparent` of the current span, for a request to another service.
pub fn traceparent() -> Option<String> {
    if !is_exporting() {
        return None;
    }
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let (trace_id, span_id) = (span.trace_id(), span.span_id());
        format!("00-{trace_id}-{span_id}-{:02x}", span.trace_flags())
    })
}
