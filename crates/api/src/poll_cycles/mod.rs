//! Poll cycles: triggering one, and what became of them.

mod get_cycles;
mod post_cycle;
mod record;
mod timeline;

pub(crate) use get_cycles::*;
pub(crate) use post_cycle::*;
