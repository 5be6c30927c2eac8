//! Serving connections within limits. A client that is slow, silent or greedy costs one of a bounded number of
//! connections for a bounded time.

mod accept;
mod limits;
mod serve;

pub use limits::HttpLimits;
pub use serve::serve;
pub(crate) use serve::serve_counted;
