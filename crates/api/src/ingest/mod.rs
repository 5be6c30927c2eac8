//! Machines push updates, and transports forward raw messages.

mod batch;
mod envelope;
mod envelope_results;
mod item;
mod post_envelopes;
mod post_updates;

pub(crate) use envelope_results::{EnvelopeResult, EnvelopeSummary, shown};
pub(crate) use post_envelopes::*;
pub(crate) use post_updates::*;

/// Bytes of an ingest body after decompression.
pub(crate) const BODY_LIMIT: usize = 8 * 1024 * 1024;
