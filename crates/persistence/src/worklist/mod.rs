//! The worklist over all workspaces: silent devices, which activations have ever reported, and the follow-ups that
//! people write down.

mod first_reports;
mod follow_ups;
mod silence;

pub use silence::{SilenceQuery, WorkspacePolling};
