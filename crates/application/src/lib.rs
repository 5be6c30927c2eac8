//! Use cases: commands (begin, read, decide, write, commit) and queries (read, compute), as functions.
//!
//! The rules are `domain`'s and the SQL is `persistence`'s; what stands here is the order of steps.
//! Refusals are values; errors are for what is broken. `TelematicsMvpCommandService` of the
//! specification is [`commands`], `TelematicsMvpQueryService` is [`queries`], `run_workspace_cycle`
//! is [`polling::run_cycle`].

mod audit;
pub mod commands;
mod core;
pub mod exports;
pub mod history;
pub mod idempotency;
mod maintenance;
pub mod polling;
pub mod queries;
pub mod schedules;
pub mod sweeps;

pub use crate::core::{Author, Core, Rules};
pub use crate::maintenance::maintain;
/// The failure of the store, which every use case can meet.
pub use persistence::StorageError;
