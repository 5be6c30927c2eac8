//! Envelopes that were not understood: listed, and interpreted again after a fix.

mod get_quarantined;
mod post_replay;

pub(crate) use get_quarantined::*;
pub(crate) use post_replay::*;
