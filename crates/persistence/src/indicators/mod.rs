//! The facts that a workspace's indicators and metrics are computed from: sums over cycles by window, the time for
//! which devices were fresh, and the ages of devices.

mod ages;
mod freshness;
mod windows;

pub use ages::AgeGroup;
pub use windows::{LatestUpdate, PolledDevices, SlotRecord, WindowSums};
