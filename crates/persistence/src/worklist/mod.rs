//! The worklist of all workspaces: silent devices, the first reports of activations, and the follow-ups that people
//! write.

mod first_reports;
mod follow_ups;
mod polling;
mod silence;

pub use polling::WorkspacePolling;
pub use silence::SilenceQuery;
