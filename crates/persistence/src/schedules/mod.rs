//! Schedules in the external scheduler that must match the workspaces' cadences: claims of schedules that wait to be
//! applied, and reconciliation sweeps.

mod claims;
mod sweeps;

pub use sweeps::ClaimedSweep;
