//! The HTTP contract, held against the real router on a real database.
//!
//! Every file is a behaviour; `service` is the instance that they call, over HTTP.

#![expect(
    clippy::disallowed_methods,
    reason = "a story waits for real programs and sockets, and its tasks end with its runtime"
)]

mod access;
mod access_rules;
mod answers;
mod any_bodies;
mod audit;
mod audit_pages;
mod bad_bodies;
mod bad_parameters;
mod call;
mod connections;
mod cutover;
mod devices;
mod docs;
mod document;
mod events;
mod follow_up;
mod grants;
mod health;
mod health_as_of;
mod idempotency;
mod idempotency_in_flight;
mod indicators;
mod ingest;
mod ingest_refused;
mod ingest_signals;
mod issues;
mod lists;
mod openapi;
mod order_of_refusals;
mod other_workspaces;
mod outage;
mod overview;
mod policy;
mod poll_cycles;
mod preconditions;
mod problems;
mod provider_connections;
mod provider_ingest;
mod quarantine;
mod rates;
mod reconciliation_sweeps;
mod rejections;
mod request_ids;
mod security_headers;
mod service;
mod slow_requests;
mod snapshots;
mod socket;
mod tokens;
mod worklist;
mod worklist_csv;
mod workspaces;
mod wrong_members;
mod wrong_members_of_calls;
