//! The queries about recorded poll cycles.

mod get_poll_cycle;
mod list_poll_cycles;

pub use get_poll_cycle::get_poll_cycle;
pub use list_poll_cycles::list_poll_cycles;
