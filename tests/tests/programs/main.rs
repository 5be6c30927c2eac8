//! Stories over whole programs, as somebody at a terminal lives them.
//!
//! Every file is a story; `built` builds the programs once, `running` is one that runs, `client` asks it,
//! `dev` is `bf-manage-core dev` with what its banner says, `serve` is `bf-manage-core serve` trusting an
//! `issuer` from elsewhere, `instances` are several of it on one database. Each story has a data directory
//! or a database of its own and a free port, so all of them run side by side.

#![expect(
    clippy::disallowed_methods,
    reason = "a story waits for real programs and sockets, and its tasks end with its runtime"
)]

mod built;
mod client;
mod dev;
mod instances;
mod issuer;
mod running;
mod serve;

mod cognito;
mod ctrl_c;
mod descriptors;
mod eventbridge;
mod first_start;
mod instances_lost;
mod killed;
mod lifecycle;
mod metrics;
mod oidc_provider;
mod one_at_a_time;
mod production;
mod rebuild_snapshots;
mod replay;
mod second_instance;
mod secrets;
mod spans;
mod two_instances;
mod without_postgres;
