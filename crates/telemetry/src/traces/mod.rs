//! Spans of requests, poll cycles and polls of connections. They are exported by OTLP if an endpoint is configured.
//!
//! Trace ids are the service's own: log lines and events have them whether spans are exported or not. [`enter`]
//! puts a span into its trace. If nothing is exported, every function here only reads a flag.

mod collector;
mod exporter;
mod ids;
mod span;

pub use exporter::SpanExport;
pub(crate) use exporter::layer;
pub use span::{answered, are_exported, ended, enter, traceparent};
