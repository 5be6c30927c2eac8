//! Access control: one table that says who may use which route, and one guard before every handler.

mod guard;
mod rate;
mod table;

pub use guard::Caller;
pub(crate) use guard::guard;
pub use rate::{Rate, RateLimits};
pub use table::{Access, BodyRule, Route, TABLE};
