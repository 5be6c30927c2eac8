//! The schedules of workspaces at an external scheduler, which are kept as the database wants them.
//!
//! No command waits for the scheduler. A command changes the workspace; the [`Applier`] of any instance then finds that
//! the wanted schedule differs from the confirmed one, and applies it. The reconciliation sweep finds schedules that
//! somebody changed at the scheduler.

mod applier;
mod apply;

pub use applier::Applier;
pub use apply::{ApplyError, apply_schedule};
