//! The poll-cycle endpoints: trigger a cycle, and read what earlier cycles did.

mod get_cycles;
mod post_cycle;
mod record;
mod timeline;

pub(crate) use get_cycles::*;
pub(crate) use post_cycle::*;
