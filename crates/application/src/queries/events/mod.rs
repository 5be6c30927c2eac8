//! The queries about recorded events: a workspace's events, and the changes that somebody made.

mod list_changes;
mod list_events;

pub use list_changes::list_changes;
pub use list_events::{EventQuery, list_events};
