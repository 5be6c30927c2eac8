//! Keeping the scheduler outside in line with what SQL wants of it.
//!
//! No command waits for it: a command changes the workspace, and the difference to what was confirmed
//! is the work of [`Applier`], on any instance. The reconciliation sweep looks for what was changed
//! outside.

mod applier;
mod apply;

pub use applier::Applier;
pub use apply::{ApplyError, apply_schedule};
