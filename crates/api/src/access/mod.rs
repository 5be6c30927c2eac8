//! Who may do what: one table of routes, one guard before every handler.

mod guard;
mod rate;
mod steady_clock;
mod table;

pub use guard::Caller;
pub(crate) use guard::guard;
pub use rate::{Rate, RateLimits};
pub use table::{Access, BodyRule, Route, TABLE};
