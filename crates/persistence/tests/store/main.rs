//! The store, against a real database.

mod absences;
mod audit;
mod fences;
mod idempotency;
mod kept;
mod leases;
mod lifecycle;
mod migrations;
mod pages;
mod partitions;
mod plans;
mod recorded_before;
mod recording;
mod registration;
mod remembered;
mod schema;
mod transactions;
