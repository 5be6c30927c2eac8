//! What keeps the recorded history usable: daily baselines, and the proof that snapshots follow from it.

mod baselines;
mod rebuild;

pub use baselines::BaselineWatch;
pub use rebuild::{Comparison, DifferingDevice, compare_snapshots, repair_snapshots};
