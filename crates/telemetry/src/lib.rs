//! What the service says of itself: log lines, metrics and spans.
//!
//! The one crate that knows how they leave the process. The others say what happened, by the functions of
//! [`metrics`] and [`traces`] and by `tracing`; where nobody has asked for metrics or spans, that costs next
//! to nothing.

mod json_line;
pub mod logs;
pub mod metrics;
pub mod traces;
