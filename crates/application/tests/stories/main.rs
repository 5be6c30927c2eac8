//! Use cases, against a real database.

mod acceptance;
mod acceptance_history;
mod acceptance_memory;
mod acceptance_races;
mod cadence;
mod circuits;
mod connections;
mod cutover;
mod cycles;
mod day;
mod devices;
mod fences;
mod health;
mod idempotency;
mod maintenance;
mod metrics;
mod policy;
mod provider;
mod schedules;
mod slots;
mod snapshots;
mod sweeps;
mod triggers;
mod vehicle;
mod worker;
mod workspaces;
