//! What is on record.

mod get_events;

pub(crate) use get_events::*;
