//! The HTTP contract, held against the real router on a real database.
//!
//! Every file is a behaviour; `service` is the instance that they call, over HTTP.

mod access;
mod bad_bodies;
mod bad_parameters;
mod cutover;
mod devices;
mod health;
mod ingest;
mod lists;
mod openapi;
mod order_of_refusals;
mod outage;
mod policy;
mod poll_cycles;
mod preconditions;
mod provider_connections;
mod service;
mod snapshots;
mod tokens;
mod workspaces;
mod wrong_members;
