//! Indicators: how well a workspace is served over a window of time. They cover its slots, the age of its
//! devices' data, and the share of time in which it was fresh.
//!
//! [`DEFINITIONS`] says what each figure counts; it goes out with the figures.

mod definitions;
mod fresh_time;
mod share;
mod slots;
mod window;

pub use definitions::{DEFINITIONS, FigureDefinition, OVERVIEW_DEFINITIONS};
pub use fresh_time::FreshTime;
pub use share::{hundredths_of, percent_of, percentile};
pub use slots::{SlotCounts, SlotOutcome};
pub use window::{OVERVIEW_HOURS, Window, hour_of};
