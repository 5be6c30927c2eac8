//! Log lines, metrics and spans.
//!
//! This is the one crate that knows how they leave the process. The other crates report what happened through
//! `tracing` and the functions of [`metrics`] and [`traces`], which cost next to nothing if metrics or spans are
//! off.

mod json_line;
pub mod logs;
pub mod metrics;
pub mod traces;
