//! A private Postgres for development and tests: no set-up, no port, no password, nothing left behind.
//!
//! [`PrivateServer::start`] finds the installed programs, makes a data directory when there is none, and starts a server
//! that listens on a Unix socket in a private directory only. A second process that starts the same [`Settings`] attaches
//! to the server of the first. A watchdog beside the server, and not the process that started it, stops it once no
//! client has been connected for [`Settings::linger`]: whatever way that process ends, the server ends soon after.
//!
//! # What holds what
//!
//! Three lock files decide every question about who is alive. The system releases them with their last holder, so no
//! crash leaves a wrong answer behind, and a stale pid file means nothing.
//!
//! | file            | held by                                          | free means                             |
//! |-----------------|--------------------------------------------------|----------------------------------------|
//! | `start.lock`    | a process that starts, attaches to or stops it   | nobody is changing anything            |
//! | `server.lock`   | `initdb`, then every process of the server       | the server is gone, its data is at rest|
//! | `watchdog.lock` | the watchdog                                     | a running server has nobody to stop it |
//!
//! As root the server runs as user `postgres`, else `nobody`. Locks, log and the watchdog's script then stay in a
//! directory of root's; the data and the socket are in two directories of that user's, in which root opens nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "the waits are for processes of the operating system, which no clock of ours stops"
)]

mod account;
mod binaries;
mod cluster;
mod database;
mod directory;
mod layout;
mod lock;
mod server;
mod settings;
mod start;
mod start_error;
mod stop;
mod watchdog;

pub use binaries::NoBinaries;
pub use database::DatabaseError;
pub use server::PrivateServer;
pub use settings::{Durability, Settings};
pub use start_error::StartError;
pub use stop::StopError;
