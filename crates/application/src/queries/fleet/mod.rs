//! The queries about the configuration: workspaces with their flags and policies, connections and devices.

mod get_connection;
mod get_device;
mod get_policy;
mod get_workspace;
mod list_connections;
mod list_cutover_changes;
mod list_devices;
mod list_workspaces;

pub use get_connection::get_connection;
pub use get_device::get_device;
pub use get_policy::{ScheduleStatus, WorkspacePolicy, get_applied_schedule, get_policy};
pub use get_workspace::get_workspace;
pub use list_connections::list_connections;
pub use list_cutover_changes::list_cutover_changes;
pub use list_devices::list_devices;
pub use list_workspaces::list_workspaces;
