//! What keeps the recorded history usable: daily baselines, and the proof that snapshots follow from it.

mod baselines;
mod rebuild;
mod start;

pub use baselines::BaselineWatch;
pub use rebuild::{Comparison, DifferingDevice, compare_snapshots, repair_snapshots};
pub(crate) use start::history_start;
