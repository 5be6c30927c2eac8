//! The endpoints of indicators: how well workspaces are served.

mod definitions;
mod get_indicators;
mod get_overview;

pub(crate) use get_indicators::*;
pub(crate) use get_overview::*;
