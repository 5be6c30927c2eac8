//! The HTTP interface of the service, and the only crate that depends on axum.
//!
//! Each endpoint is one file: request, answer, its own failures and the handler. Extractors check the caller and
//! the request, in the contract's order of refusals, before a handler runs. [`access`] is the table of who may do
//! what, [`problem`] the catalogue of refusals.

pub mod access;
mod audit;
mod cutover;
mod dev;
mod devices;
mod docs;
mod edge;
mod events;
mod follow_up;
mod health;
mod idempotency;
mod indicators;
mod ingest;
mod issues;
mod long_json;
mod metrics_page;
mod openapi;
mod operations;
mod policy;
mod poll_cycles;
pub mod problem;
mod problem_pages;
mod provider_connections;
mod quarantine;
mod reconciliation_sweeps;
mod rejections;
mod request;
mod router;
mod server;
mod snapshots;
mod state;
mod worklist;
mod workspaces;

pub use metrics_page::serve_metrics;
pub use openapi::openapi_json;
pub use router::router;
pub use server::{HttpLimits, serve};
pub use state::{AppState, Features};
