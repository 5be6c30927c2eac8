//! The queries about how well workspaces are served: one workspace's indicators, and the overview of all workspaces.

mod compute_indicators;
mod list_overview;

pub use compute_indicators::{Percentiles, StartDeviation, WindowIndicators, compute_indicators};
pub use list_overview::{
    Overview, OverviewFigures, OverviewRank, WorkspaceOverview, list_overview,
};
