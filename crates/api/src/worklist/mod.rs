//! Who is silent, oldest silence first: a workspace's list, and the one over all workspaces, as JSON or as a
//! spreadsheet.

mod csv;
mod export;
mod get_follow_ups;
mod get_stale_devices;
mod query;
mod view;

pub(crate) use get_follow_ups::*;
pub(crate) use get_stale_devices::*;
