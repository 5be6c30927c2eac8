//! Raw provider envelopes: each is stored once with its outcome, those that were not understood are the
//! quarantine, and each is counted for its connection until a poll cycle takes the count into its record.

mod quarantine;
mod store;
mod stream_counts;

pub use quarantine::LockedEnvelope;
