//! Raw provider envelopes: each is stored once with its outcome, and those that could not be interpreted form the
//! quarantine. Arrivals are counted for each connection until a poll cycle moves the counts to its record.

mod quarantine;
mod store;
mod stream_counts;

pub use quarantine::LockedEnvelope;
