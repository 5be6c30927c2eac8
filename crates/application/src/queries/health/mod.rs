//! The queries about the health of a workspace's devices and vehicles, and about the issues that follow from it.

mod evaluate;
mod filter;
mod find_issues;
mod list_device_health;
mod list_vehicle_health;
mod past;

pub use evaluate::{DeviceHealth, HealthAt, HealthReport, HealthSummary, evaluate_workspace};
pub use filter::HealthFilter;
pub use find_issues::{Evidence, FoundIssue, IssueFilter, IssueReport, find_issues};
pub use list_device_health::{HealthPage, list_device_health};
pub use list_vehicle_health::{VehicleHealth, list_vehicle_health};
