//! The worklist over all workspaces: silent devices, which activations have ever reported, and the follow-ups that
//! people write down.

mod first_reports;
mod follow_ups;
mod polling;
mod silence;

pub use polling::WorkspacePolling;
pub use silence::SilenceQuery;
