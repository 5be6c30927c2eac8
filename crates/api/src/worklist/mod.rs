//! The worklists of silent devices, the longest silence first: one for a workspace and one over all
//! workspaces, as JSON or as CSV.

mod csv;
mod export;
mod get_follow_ups;
mod get_stale_devices;
mod query;
mod view;

pub(crate) use get_follow_ups::*;
pub(crate) use get_stale_devices::*;
