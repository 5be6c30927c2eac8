//! The snapshot endpoints: the canonical values of devices, and those of vehicles merged from their devices.

mod get_snapshots;
mod get_vehicle_snapshot;
mod view;

pub(crate) use get_snapshots::*;
pub(crate) use get_vehicle_snapshot::*;
