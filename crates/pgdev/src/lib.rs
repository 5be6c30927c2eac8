//! A private Postgres for development and tests, without set-up, port or password, and without leftovers.
//!
//! [`PrivateServer::start`] finds the installed programs, creates a data directory if there is none, and starts a server
//! that listens on a Unix socket in a private directory only. A second process that starts a server with the same
//! [`Settings`] attaches to the server of the first. A watchdog beside the server stops it once no client has been
//! connected for [`Settings::linger`]. The process that started the server does not stop it: in whatever way that
//! process ends, the server ends soon after.
//!
//! # Locks
//!
//! Three lock files say which processes run. The system releases a lock when its last holder ends, so no crash leaves a
//! wrong answer behind, and a stale pid file means nothing.
//!
//! | file            | held by                                          | free means                             |
//! |-----------------|--------------------------------------------------|----------------------------------------|
//! | `start.lock`    | a process that starts, attaches to or stops it   | nothing is being changed               |
//! | `server.lock`   | `initdb`, then every process of the server       | the server has ended                   |
//! | `watchdog.lock` | the watchdog                                     | no watchdog would stop the server      |
//!
//! If this process is root, the server runs as the user `postgres` or `nobody`. Locks, log and the watchdog's script are
//! then in a directory that belongs to root; the data and the socket are in two directories that belong to that user,
//! and root opens no file in these.

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
