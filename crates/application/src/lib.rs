//! The use cases, as functions: commands begin, read, decide, write and commit; queries read and compute.
//!
//! The crate `domain` holds the rules and the crate `persistence` holds the SQL; this crate holds the order of the
//! steps. A refusal is a value; an error says that something is broken. The specification's
//! `TelematicsMvpCommandService` is [`commands`], its `TelematicsMvpQueryService` is [`queries`], and its
//! `run_workspace_cycle` is [`polling::run_cycle`].

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
/// The error of the store, which every use case can return.
pub use persistence::StorageError;
