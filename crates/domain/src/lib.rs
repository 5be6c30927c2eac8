//! The rules of telematics freshness, as pure functions.
//!
//! Nothing here reads a clock, mints an id, waits or performs I/O: `now` and ids are arguments, facts
//! come in as values, answers go out as values. A test over `cargo metadata` keeps async runtimes,
//! HTTP and SQL out of this crate.
//!
//! Read in this order: [`ids`], [`signals`] (what is measured), [`fleet`] (what is configured),
//! [`acceptance`] (what becomes of an update), [`envelopes`] and [`quarantine`] (what becomes of a raw message), [`history`]
//! (what updates leave behind), [`health`] (what a reader is told), [`polling`] (when providers are asked),
//! [`indicators`] (how well that goes), [`schedules`] (how that is told to EventBridge), [`sweeps`],
//! [`idempotency`] (what a request that comes again is told), [`follow_up`] (what people do about silence),
//! and [`events`] (what is on record).

pub mod acceptance;
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

pub use time_text::TimeText;
