//! Queries: they read, compute and write nothing.

mod health;
mod health_as_of;
mod snapshots;
mod vehicle;

pub use health::{DeviceHealth, HealthReport, VehicleHealth, by_vehicle, workspace_health};
pub use health_as_of::{PastHealth, workspace_health_as_of};
pub use snapshots::{
    AbsentSignal, DeviceSnapshot, SnapshotSignal, device_snapshot, device_snapshots,
};
pub use vehicle::{VehicleSignal, VehicleSnapshot, vehicle_snapshot};
