//! Use cases, against a real database.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a story end with its runtime"
)]

mod acceptance;
mod acceptance_history;
mod acceptance_laws;
mod acceptance_memory;
mod acceptance_races;
mod cadence;
mod circuits;
mod connections;
mod cutover;
mod cycles;
mod day;
mod devices;
mod envelope_races;
mod envelopes;
mod feeds;
mod fences;
mod generated;
mod health;
mod health_as_of;
mod health_counts;
mod history;
mod idempotency;
mod indicators;
mod indicators_history;
mod issues;
mod maintenance;
mod metrics;
mod overview;
mod policy;
mod provider;
mod pushes;
mod quarantine;
mod reads_agree;
mod reasons;
mod rejections;
mod schedules;
mod slots;
mod snapshots;
mod streams;
mod sweeps;
mod triggers;
mod vehicle;
mod viriciti;
mod worker;
mod worklist;
mod workspaces;
