//! Machines push updates.

mod item;
mod post_updates;

pub(crate) use post_updates::*;

/// Bytes of an ingest body after decompression.
pub(crate) const BODY_LIMIT: usize = 8 * 1024 * 1024;
