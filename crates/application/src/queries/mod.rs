//! Queries: they read, compute and write nothing.

mod health;
mod issues;
mod snapshots;
mod vehicle;
mod worklist;

pub use health::{DeviceHealth, HealthReport, VehicleHealth, by_vehicle, workspace_health};
pub use issues::{Evidence, IssueReport, workspace_issues};
pub use snapshots::{
    AbsentSignal, DeviceSnapshot, SnapshotSignal, device_snapshot, device_snapshots,
};
pub use vehicle::{VehicleSignal, VehicleSnapshot, vehicle_snapshot};
pub use worklist::{SilentDevice, WorklistFilter, WorklistPage, worklist};
