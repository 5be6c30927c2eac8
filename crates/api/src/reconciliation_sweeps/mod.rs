//! Reconciliation sweeps: asking for one, and what it found.

mod get_sweep;
mod post_sweep;

pub(crate) use get_sweep::*;
pub(crate) use post_sweep::*;
