//! PostgreSQL: the only crate with SQL.
//!
//! Commands write through a [`UnitOfWork`]; queries read through the [`Store`]. One folder a noun, whose `mod.rs` says
//! what the folder offers; no folder reaches into another's inside, and `postgres` has what is about PostgreSQL
//! itself. Each statement is named by the comment at its head and checked against the schema at compile time.
//!
//! Invariants kept here: a transaction writes one workspace; a change of flags, devices or leases
//! fences what was decided under the old state; an event is appended if and only if a snapshot moved.

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
