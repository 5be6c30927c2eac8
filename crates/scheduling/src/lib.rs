//! What fires triggers.
//!
//! In production EventBridge does, from outside. [`InProcessScheduler`] takes its place in `dev`: it
//! sends the same HTTP request, so that everything behind the endpoint is the same; its [`Disturbances`] are
//! EventBridge's. [`Scheduler`] is the port through which either is told the schedules; EventBridge's adapter
//! is the crate `eventbridge`.

mod disturbances;
mod in_process;
mod in_process_schedules;
mod scheduler;

pub use disturbances::Disturbances;
pub use in_process::{InProcessScheduler, Schedules, TokenSource};
pub use in_process_schedules::InProcessSchedules;
pub use scheduler::{Scheduler, SchedulerError, Source, Standing};
