//! The endpoints of workspaces.

mod get_features;
mod get_workspaces;
mod put_workspace;
mod view;

pub(crate) use get_features::*;
pub(crate) use get_workspaces::*;
pub(crate) use put_workspace::*;
