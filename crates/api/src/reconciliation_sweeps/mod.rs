//! The endpoints of reconciliation sweeps: request one, and read what it found.

mod get_sweep;
mod post_sweep;

pub(crate) use get_sweep::*;
pub(crate) use post_sweep::*;
