//! Canonical snapshots for readers.

mod list;

pub use list::SnapshotRow;
