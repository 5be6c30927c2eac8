//! A vehicle's snapshot: its devices' merged signal by signal, newest first, naming each source.

use chrono::{DateTime, Utc};
use domain::fleet::Policy;
use domain::ids::{DeviceId, VehicleId, WorkspaceId};
use domain::signals::{Signal, join_order};
use persistence::fleet::DeviceFilter;
use persistence::{Page, StorageError};

use super::{AbsentSignal, DeviceSnapshot, SnapshotSignal, device_snapshots};
use crate::Core;

/// A merged snapshot.
#[derive(Clone, Debug)]
pub struct VehicleSnapshot {
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// Its active devices' own snapshots, in order of id.
    pub devices: Vec<DeviceSnapshot>,
    /// The newest reading of each signal, in the catalogue's order.
    pub signals: Vec<VehicleSignal>,
    /// Signals that no device holds.
    pub absent: Vec<AbsentSignal>,
}

/// A merged signal.
#[derive(Clone, Debug)]
pub struct VehicleSignal {
    /// The reading, with the age and freshness that it has at its device.
    pub signal: SnapshotSignal,
    /// Which device it came from.
    pub device_id: DeviceId,
    /// Through which connection.
    pub provider_id: domain::ids::ProviderId,
}

/// Devices of one vehicle that a view merges, at most.
const DEVICES_AT_MOST: i64 = 1_000;

/// Merges the snapshots of a vehicle's active devices; `None` when it has none.
///
/// # Errors
/// When the store fails.
pub async fn vehicle_snapshot(
    core: &Core,
    workspace_id: &WorkspaceId,
    policy: Policy,
    vehicle_id: &VehicleId,
    now: DateTime<Utc>,
) -> Result<Option<VehicleSnapshot>, StorageError> {
    let filter = DeviceFilter {
        active: Some(true),
        vehicle_id: Some(vehicle_id.clone()),
    };
    let page = Page {
        after: None,
        limit: DEVICES_AT_MOST,
    };
    let devices = device_snapshots(core, workspace_id, policy, &filter, &page, now).await?;
    if devices.is_empty() {
        return Ok(None);
    }
    let (mut signals, mut absent) = (Vec::new(), Vec::new());
    for signal in Signal::all() {
        match newest(&devices, signal) {
            Some(merged) => signals.push(merged),
            None => absent.extend(reason_of_absence(&devices, signal)),
        }
    }
    Ok(Some(VehicleSnapshot {
        vehicle_id: vehicle_id.clone(),
        devices,
        signals,
        absent,
    }))
}

fn newest(devices: &[DeviceSnapshot], signal: Signal) -> Option<VehicleSignal> {
    let held = devices.iter().filter_map(|device| {
        let held = device.signals.iter().find(|held| held.signal == signal)?;
        Some((device, held))
    });
    let (device, held) = held.max_by(|(a, x), (b, y)| {
        join_order(
            (&x.reading, &a.row.provider_id),
            (&y.reading, &b.row.provider_id),
        )
    })?;
    Some(VehicleSignal {
        signal: *held,
        device_id: device.row.device_id.clone(),
        provider_id: device.row.provider_id.clone(),
    })
}

/// A device that sent something unusable says more than one that sent nothing.
fn reason_of_absence(devices: &[DeviceSnapshot], signal: Signal) -> Option<AbsentSignal> {
    let absences = || {
        devices
            .iter()
            .flat_map(|device| &device.absent)
            .filter(move |absent| absent.signal == signal)
    };
    absences()
        .find(|absent| absent.reason != "never_reported")
        .or_else(|| absences().next())
        .copied()
}
