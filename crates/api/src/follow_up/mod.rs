//! The follow-up of a silent device: what people did about its silence, and the history of that.

mod get_follow_up;
mod get_history;
mod put_follow_up;
mod view;

pub(crate) use get_follow_up::*;
pub(crate) use get_history::*;
pub(crate) use put_follow_up::*;
pub(crate) use view::FollowUpView;
