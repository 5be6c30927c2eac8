//! Spans, exported by OTLP where an endpoint is configured: requests, poll cycles, polls of connections.
//!
//! Trace ids are the service's own, which its log lines and events have whether spans are exported or not;
//! a span is put into its trace by [`enter`]. Where nothing is exported, all of this is one look at a flag.

mod collector;
mod exporter;
mod ids;
mod span;

pub use exporter::SpanExport;
pub(crate) use exporter::layer;
pub use span::{answered, are_exported, ended, enter, traceparent};
