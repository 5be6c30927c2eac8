//! The reconciliation sweep: compares what SQL wants with what is outside, and repairs it.
//!
//! A sweep is a row; [`Sweeper`] takes it on one instance, under a claim that ends with the instance.

mod legacy_registry;
mod reconcile_schedules;
mod remove_old;
mod run_sweep;
mod sweeper;

pub use legacy_registry::{LegacyRegistry, LegacyRegistryError, NoLegacyRegistry};
pub use reconcile_schedules::reconcile_schedules;
pub use sweeper::{Outside, Sweeper, request_sweep};
