//! The store, against a real database.

#![expect(
    clippy::disallowed_methods,
    reason = "a story waits for real programs and sockets, and its tasks end with its runtime"
)]

mod absences;
mod answer_gate;
mod audit;
mod cycle_events;
mod damaged_events;
mod fences;
mod first_reports;
mod idempotency;
mod kept_connections;
mod leases;
mod migrations;
mod pages;
mod partitions;
mod plans;
mod polled_cycles;
mod record_at_once;
mod recording;
mod registration;
mod released;
mod schema;
mod statements;
mod transactions;
mod workspace_scope;
