//! What fires triggers.
//!
//! In production EventBridge does, from outside. [`InProcessScheduler`] takes its place in `dev`: it
//! sends the same HTTP request, so that everything behind the endpoint is the same; its [`Disturbances`] are EventBridge's.

mod disturbances;
mod in_process;

pub use disturbances::Disturbances;
pub use in_process::{InProcessScheduler, Schedules, TokenSource, Trigger};
