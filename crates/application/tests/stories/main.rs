//! Use cases, against a real database.

#![expect(
    clippy::disallowed_methods,
    reason = "the tasks of a story end with its runtime"
)]

mod acceptance;
mod acceptance_history;
mod acceptance_laws;
mod acceptance_races;
mod cadence;
mod circuits;
mod connections;
mod cutover;
mod cycles;
mod day;
mod device_cache;
mod devices;
mod envelope_races;
mod envelopes;
mod envelopes_kept;
mod envelopes_refused;
mod feeds;
mod fences;
mod generated;
mod health;
mod health_as_of;
mod health_counts;
mod health_reasons;
mod history;
mod history_limits;
mod idempotency;
mod indicators;
mod indicators_history;
mod indicators_oracle;
mod instance;
mod issues;
mod maintenance;
mod metrics;
mod new_provider;
mod overview;
mod policy;
mod provider;
mod push_queue;
mod push_queue_failing;
mod quarantine;
mod reads_agree;
mod reasons;
mod rejections;
mod rejections_concurrent;
mod schedules;
mod slots;
mod snapshots;
mod streams;
mod sweeps;
mod triggers;
mod vehicle;
mod viriciti;
mod worker;
mod worker_isolation;
mod worker_leases;
mod worker_shutdown;
mod worklist;
mod workspaces;
