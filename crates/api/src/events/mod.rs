//! The events endpoint: the recorded events of a workspace.

mod get_events;

pub(crate) use get_events::*;
