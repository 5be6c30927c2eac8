//! How well a workspace is served over a window of time: its slots, how old its devices' data is, and
//! for how much of the time it was fresh.
//!
//! [`DEFINITIONS`] says what each figure counts; it goes out with the figures.

mod definitions;
mod fresh_time;
mod share;
mod slots;
mod window;

pub use definitions::{DEFINITIONS, Definition, OVERVIEW_DEFINITIONS};
pub use fresh_time::{FreshTime, OUTAGE_CLASSES};
pub use share::{hundredths_of, percent_of, percentile};
pub use slots::{SlotCounts, SlotOutcome};
pub use window::{OVERVIEW_HOURS, Window, hour_of};
