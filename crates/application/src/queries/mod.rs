//! The queries. Each query reads and computes, and writes nothing.
//!
//! A query takes a typed filter, a [`PageRequest`] and the instant that it is computed at, and returns a [`Page`].
//! Each query has one file, named by what the query does, in the folder of its noun. The caller checks permissions.

mod acceptance;
mod error;
mod events;
mod fleet;
mod get_sweep;
mod health;
mod indicators;
mod page;
mod polling;
mod snapshots;
mod worklist;

pub use acceptance::*;
pub use error::QueryError;
pub use events::*;
pub use fleet::*;
pub use get_sweep::get_sweep;
pub use health::*;
pub use indicators::*;
pub use page::{Page, PageRequest};
pub use polling::*;
pub use snapshots::*;
pub use worklist::*;
