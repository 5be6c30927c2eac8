//! The ids of spans and traces. A root span uses the trace id that its request or cycle already has.

use std::cell::Cell;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// The trace id of the root span that this thread starts next.
    static NEXT_TRACE_ID: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Generates random ids, except for a trace that already has an id.
#[derive(Debug, Default)]
pub(super) struct OwnTraceIds(RandomIdGenerator);

impl IdGenerator for OwnTraceIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_TRACE_ID
            .take()
            .unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Runs `start`, which starts a root span with this trace id.
pub(super) fn with_trace_id(trace_id: TraceId, start: impl FnOnce()) {
    NEXT_TRACE_ID.set(Some(trace_id));
    start();
    NEXT_TRACE_ID.take();
}
