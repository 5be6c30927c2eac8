//! Schedulers, which fire the triggers of poll cycles.
//!
//! In production EventBridge fires them from outside. In `dev`, [`InProcessScheduler`] takes its place. It sends the
//! same HTTP request, so that everything behind the endpoint is the same, and its [`Disturbances`] imitate
//! EventBridge's. [`Scheduler`] is the port through which schedules are stored. EventBridge's adapter is the crate
//! `eventbridge`.

mod disturbances;
mod in_process;
mod in_process_schedules;
mod scheduler;

pub use disturbances::Disturbances;
pub use in_process::{InProcessScheduler, Schedules, TokenSource};
pub use in_process_schedules::InProcessSchedules;
pub use scheduler::{BoxedError, ScheduleCheck, Scheduler, SchedulerError};
