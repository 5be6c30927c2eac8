//! The health endpoint: which devices of a workspace are silent, and why.

mod get_health;
mod view;

pub(crate) use get_health::*;
