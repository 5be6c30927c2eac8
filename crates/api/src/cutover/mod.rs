//! The endpoints of cutover flags, which say for each workspace what core owns and what the legacy service owns.

mod change_cutover;
mod get_cutover;
mod get_history;
mod view;

pub(crate) use change_cutover::*;
pub(crate) use get_cutover::*;
pub(crate) use get_history::*;
pub(crate) use view::CutoverFlags;
