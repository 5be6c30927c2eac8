//! What the service says of itself: log lines and metrics.
//!
//! The one crate that knows how they leave the process. The others say what happened, by the functions of
//! [`metrics`] and by `tracing`; where nobody has asked for metrics, that costs next to nothing.

mod json_line;
pub mod logs;
pub mod metrics;
