//! Queries: they read, compute and write nothing.

mod events;
mod health;
mod health_as_of;
mod indicators;
mod issues;
mod overview;
mod snapshots;
mod vehicle;
mod worklist;

pub use events::{EventQuery, recorded_events};
pub use health::{DeviceHealth, HealthReport, VehicleHealth, by_vehicle, workspace_health};
pub use health_as_of::{PastHealth, workspace_health_as_of};
pub use indicators::{Percentiles, StartDeviation, WindowIndicators, workspace_indicators};
pub use issues::{Evidence, IssueReport, workspace_issues};
pub use overview::{Rank, Standing, WorkspaceOverview, latest_cycles, overview};
pub use snapshots::{
    AbsentSignal, DeviceSnapshot, SnapshotSignal, device_snapshot, device_snapshots,
};
pub use vehicle::{VehicleSignal, VehicleSnapshot, vehicle_snapshot};
pub use worklist::{SilentDevice, WorklistFilter, WorklistPage, worklist};
