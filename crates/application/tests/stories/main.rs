//! Use cases, against a real database.

mod acceptance;
mod acceptance_history;
mod acceptance_memory;
mod acceptance_races;
mod connections;
mod cutover;
mod cycles;
mod devices;
mod fences;
mod health;
mod idempotency;
mod maintenance;
mod policy;
mod provider;
mod schedules;
mod snapshots;
mod sweeps;
mod triggers;
mod vehicle;
mod worker;
mod workspaces;
