//! The rules of telematics freshness, as pure functions.
//!
//! No function here reads a clock, mints an id, waits or performs I/O: `now`, ids and facts are arguments, and
//! results are values. A test over `cargo metadata` keeps async runtimes, HTTP and SQL out of this crate.
//!
//! Read the modules in this order: [`ids`], [`signals`] (the catalogue and its readings), [`fleet`] (workspaces,
//! connections and devices), [`acceptance`] (the judgement of updates), [`envelopes`] and [`quarantine`] (the
//! outcomes of raw messages), [`history`] (the rebuilding of snapshots from events), [`health`] (states, causes and
//! issues), [`polling`] (schedules, triggers and cycles), [`indicators`] (figures of how well a workspace is
//! served), [`schedules`] (the schedule of a workspace at EventBridge), [`sweeps`] (reports of reconciliation),
//! [`idempotency`] (requests that come again), [`follow_up`] (what people do about silence), and [`events`] (the
//! types of events).

pub mod acceptance;
mod broken_invariant;
pub mod envelopes;
pub mod events;
pub mod fleet;
pub mod follow_up;
pub mod health;
pub mod history;
pub mod idempotency;
pub mod ids;
pub mod indicators;
pub mod polling;
pub mod quarantine;
pub mod schedules;
pub mod signals;
pub mod sweeps;
mod time_text;
mod vocabulary;

pub use broken_invariant::BrokenInvariant;
pub use time_text::TimeText;
