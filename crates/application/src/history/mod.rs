//! The recorded history: daily baselines, from which it can be read, and the comparison of snapshots with it.

mod baselines;
mod rebuild;
mod start;

pub use baselines::BaselineWatch;
pub use rebuild::{Comparison, DifferingDevice, compare_snapshots, repair_snapshots};
pub(crate) use start::history_start;
