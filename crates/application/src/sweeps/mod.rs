//! The reconciliation sweep: it compares external systems with what the database wants, repairs differences, and
//! removes old records.
//!
//! A sweep is a row. The [`Sweeper`] of one instance runs it, under a claim that expires soon after the instance ends.

mod legacy_registry;
mod reconcile_schedules;
mod remove_old;
mod run_sweep;
mod sweeper;

pub use legacy_registry::{LegacyRegistry, LegacyRegistryError, NoLegacyRegistry};
pub use reconcile_schedules::reconcile_schedules;
pub use sweeper::{ExternalSystems, Sweeper, request_sweep};
