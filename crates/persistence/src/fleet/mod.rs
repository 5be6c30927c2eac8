//! The configured fleet: workspaces with their flags and policy, provider connections, and devices with their
//! activations.

mod connections;
mod cutover;
mod devices;
mod workspaces;

pub use connections::ConnectionRemoval;

pub(crate) use devices::DeviceRow;
pub(crate) use workspaces::{cadence, load_workspace};
