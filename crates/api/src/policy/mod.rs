//! The endpoints of a workspace's policy: its poll interval and thresholds.

mod get_policy;
mod put_policy;
mod view;

pub(crate) use get_policy::*;
pub(crate) use put_policy::*;
