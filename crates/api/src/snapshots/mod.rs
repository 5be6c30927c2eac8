//! Canonical values: of devices, and of vehicles merged from them.

mod get_snapshots;
mod get_vehicle_snapshot;
mod view;

pub(crate) use get_snapshots::*;
pub(crate) use get_vehicle_snapshot::*;
