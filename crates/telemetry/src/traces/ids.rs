//! Ids of spans and traces: a root span takes the trace id that its request or cycle has already.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The trace of the root span that this thread starts next.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Random ids, but for traces that have one.
#[derive(Debug, Default)]
pub(super) struct OwnTraceIds(RandomIdGenerator);

impl IdGenerator for OwnTraceIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Starts a root span, by `start`, in a trace that has its id.
pub(super) fn within(trace_id: TraceId, start: impl FnOnce()) {
    NEXT.set(Some(trace_id));
    start();
    NEXT.take();
}
