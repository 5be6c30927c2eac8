//! What the recorded history says: a snapshot is the fold of a device's accepted updates.
//!
//! Once a day a *baseline* writes down what is held of each device, so that the fold need not begin with
//! the first update ever, and outlives those that retention has dropped. Each update names its activation
//! and the version that it made, so what a baseline contains is told by number, never by time: a
//! transaction that began before a baseline may well end after it.

mod difference;
mod fold;
mod retained;
mod snapshot;

pub use difference::{Difference, differences};
pub use fold::{Fold, Folded, RecordedUpdate};
pub use retained::{first_kept_day, retained_since};
pub use snapshot::Snapshot;
