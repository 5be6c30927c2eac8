//! Who may do what: one table of routes, one guard before every handler.

mod guard;
mod table;

pub use guard::Caller;
pub(crate) use guard::guard;
pub use table::{Access, BodyRule, Route, TABLE};
