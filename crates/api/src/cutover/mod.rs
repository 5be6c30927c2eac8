//! Cutover flags: who owns what, per workspace.

mod change_cutover;
mod get_cutover;
mod get_history;
mod view;

pub(crate) use change_cutover::*;
pub(crate) use get_cutover::*;
pub(crate) use get_history::*;
pub(crate) use view::CutoverFlags;
