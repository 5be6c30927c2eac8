//! The recorded history of devices: a snapshot is the fold of a device's accepted updates.
//!
//! Once a day a *baseline* writes down what is held of each device. So the fold need not begin with the first
//! update ever, and outlives the updates that retention has dropped. Each update names its activation and the
//! version that it made, so a version, never a time, says what a baseline contains: a transaction that began
//! before a baseline may well end after it.

mod difference;
mod fold;
mod retained;
mod snapshot;

pub use difference::{Difference, differences};
pub use fold::{RebuiltSnapshot, RecordedUpdate, SnapshotFold};
pub use retained::{first_kept_day, retained_since};
pub use snapshot::{Snapshot, StoredSnapshot};
