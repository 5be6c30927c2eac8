//! What a workspace's indicators and metrics are computed from: sums of cycles by window, time for which devices
//! were fresh, and ages of devices.

mod ages;
mod freshness;
mod windows;

pub use ages::AgeGroup;
pub use windows::{LatestUpdate, PolledDevices, SlotRecord, WindowSums};
