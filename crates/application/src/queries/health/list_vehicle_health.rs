//! The query that lists the health of a workspace, vehicle by vehicle.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::health::HealthState;
use domain::ids::{VehicleId, WorkspaceId};

use super::{DeviceHealth, HealthAt, HealthFilter, HealthPage, evaluate_workspace};
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// The health of a vehicle: the mildest state of its active devices, with the worst beside it.
#[derive(Clone, Debug)]
pub struct VehicleHealth {
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// The mildest state of its devices.
    pub state: HealthState,
    /// The worst state of its devices.
    pub worst_device_state: HealthState,
    /// The newest acceptance of an update of any of its devices.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The health of its devices, in order of id.
    pub devices: Vec<DeviceHealth>,
}

/// Evaluates a workspace, and lists the vehicles that the filter admits, in order of id.
///
/// # Errors
/// As [`evaluate_workspace`].
pub async fn list_vehicle_health(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    page: &PageRequest<VehicleId>,
    at: HealthAt,
) -> Result<HealthPage<VehicleHealth, VehicleId>, QueryError> {
    let report = evaluate_workspace(core, workspace_id, at).await?;
    let devices = report.devices.into_iter();
    let devices = devices.filter(|device| page.is_after(&device.row.vehicle_id));
    let vehicles = group_by_vehicle(devices).filter(|vehicle| filter.admits_vehicle(vehicle));
    // The list holds one item more than the page, if there is a next page.
    let rows = vehicles.take(page.limit.saturating_add(1)).collect();
    Ok(HealthPage {
        summary: report.summary,
        page: Page::cut(rows, page, |vehicle| vehicle.vehicle_id.clone()),
    })
}

/// Groups the health of devices by vehicle, in order of vehicle id.
fn group_by_vehicle(
    devices: impl Iterator<Item = DeviceHealth>,
) -> impl Iterator<Item = VehicleHealth> {
    let mut vehicles: BTreeMap<VehicleId, Vec<DeviceHealth>> = BTreeMap::new();
    for device in devices {
        let vehicle_id = device.row.vehicle_id.clone();
        vehicles.entry(vehicle_id).or_default().push(device);
    }
    vehicles.into_iter().filter_map(|(vehicle_id, devices)| {
        let states = || devices.iter().map(|device| device.health.state);
        Some(VehicleHealth {
            vehicle_id,
            // A vehicle is in the map only because of a device, so it has at least one.
            state: states().min()?,
            worst_device_state: states().max()?,
            last_update_received_at: devices
                .iter()
                .filter_map(|device| device.row.facts.last_update_received_at)
                .max(),
            devices,
        })
    })
}
