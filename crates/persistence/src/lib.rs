//! The store in PostgreSQL; no other crate contains SQL.
//!
//! Commands write through a [`UnitOfWork`]; queries read through the [`Store`]. Each noun of the domain has one
//! folder, whose `mod.rs` says what the folder offers; no folder uses the private modules of another. The folder
//! `postgres` contains what is about PostgreSQL itself. Each statement is named by the comment at its head and checked
//! against the schema at compile time.
//!
//! The crate keeps three invariants: a transaction writes to one workspace only; a change of flags, devices or leases
//! prevents decisions that were made under the old state from being recorded; an update's event is appended if and only
//! if its snapshot moved.

pub mod acceptance;
pub mod envelopes;
pub mod fleet;
pub mod health;
pub mod history;
pub mod idempotency;
pub mod indicators;
pub mod polling;
mod postgres;
pub mod schedules;
mod snapshots;
pub mod worklist;

pub use postgres::{Fence, PoolUse, StorageError, Store, UnitOfWork};
