//! The ingest endpoints: machines push updates, and transports forward raw messages of providers.

mod batch;
mod envelope;
mod envelope_results;
mod item;
mod post_envelopes;
mod post_updates;
mod update_results;

pub(crate) use envelope_results::render_envelopes;
pub(crate) use post_envelopes::*;
pub(crate) use post_updates::*;

/// The largest size of an ingest body in bytes, after decompression.
pub(crate) const BODY_LIMIT: usize = 8 * 1024 * 1024;
