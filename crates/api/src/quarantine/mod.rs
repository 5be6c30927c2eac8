//! The endpoints of quarantined envelopes: list them, and replay them after a fix.

mod get_quarantined;
mod post_replay;

pub(crate) use get_quarantined::*;
pub(crate) use post_replay::*;
