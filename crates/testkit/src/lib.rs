//! The harness of tests that need a database, a fleet or an instant.
//!
//! ```no_run
//! use testkit::{Fixture, a_device, a_workspace, an_update, minutes};
//!
//! # async fn story() {
//! let fixture = Fixture::create().await;
//! let depot = a_workspace("depot-north")
//!     .with(a_device("bus-1").silent_for(minutes(20)))
//!     .create(&fixture)
//!     .await;
//! depot.push([an_update("bus-1").with("speed_kmh", 31)]).await;
//! # }
//! ```
//!
//! - [`TestDatabase`]: a database of its own for every test, on a private server that starts by itself.
//! - [`Fixture`]: that database with a [`Core`](application::Core) on it and a clock that stands still.
//! - [`a_workspace`], [`a_connection`], [`a_device`]: what is configured, naming only what matters;
//!   built through the application's commands. [`an_update`], [`an_envelope`], [`a_report`]: what
//!   providers send.
//! - [`Fleet`]: a workspace that was built, to act on and to look into.
//! - [`eventually`]: a condition instead of a sleep. [`statements_of`]: which SQL something ran;
//!   [`log_of`]: what it logged.

#![expect(
    clippy::disallowed_methods,
    reason = "a wait for a condition ends after a real time limit"
)]

mod changes;
mod clones;
mod connection;
mod cycles;
mod database;
mod device;
mod envelope;
mod eventually;
mod fixture;
mod fleet;
mod held_transaction;
mod log;
mod report;
mod server;
mod statements;
mod template;
mod time;
mod update;
mod workspace;

pub use connection::{ConnectionBuilder, a_connection};
pub use database::TestDatabase;
pub use device::{DeviceBuilder, a_device};
pub use envelope::{EnvelopeBuilder, KeptEnvelope, an_envelope, envelope_id, outcomes_of};
pub use eventually::{Condition, eventually};
pub use fixture::{AUTHOR, Fixture, core_without_database};
pub use fleet::{AcceptedEvent, Fleet, HeldWorkspace, record_in};
pub use held_transaction::HeldTransaction;
pub use log::log_of;
pub use report::{ReportBuilder, a_report};
pub use statements::statements_of;
pub use time::{hours, minutes, seconds, start};
pub use update::{UpdateBuilder, an_update, words_of};
pub use workspace::{CORE_OWNED, WorkspaceBuilder, a_workspace};
