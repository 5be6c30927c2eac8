//! The query that merges the snapshots of a vehicle's devices: of each signal the newest reading, with its source.

use chrono::{DateTime, Utc};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use domain::signals::{Signal, join_order};
use telemetry::metrics;

use super::{AbsentSignal, DeviceSnapshot, SnapshotSignal, workspace_with_own_reads};
use crate::Core;
use crate::queries::QueryError;

/// The snapshot of a vehicle, merged from the snapshots of its devices.
#[derive(Clone, Debug)]
pub struct VehicleSnapshot {
    /// The vehicle.
    pub vehicle_id: VehicleId,
    /// The snapshots of the vehicle's active devices, in order of id.
    pub devices: Vec<DeviceSnapshot>,
    /// The newest reading of each signal, in the catalogue's order.
    pub signals: Vec<VehicleSignal>,
    /// The signals that no device holds.
    pub absent: Vec<AbsentSignal>,
}

/// The newest reading of a signal among a vehicle's devices.
#[derive(Clone, Debug)]
pub struct VehicleSignal {
    /// The reading, with the age and freshness that it has at its device.
    pub signal: SnapshotSignal,
    /// The device that the reading came from.
    pub device_id: DeviceId,
    /// The connection that the reading came through.
    pub provider_id: ProviderId,
}

/// The largest number of devices of one vehicle that are merged.
const DEVICES_AT_MOST: i64 = 1_000;

/// Merges the snapshots of a vehicle's active devices, with ages as of `now`.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace, or a vehicle without an active device;
/// [`QueryError::ReadsOwnedByLegacy`]; [`QueryError::Storage`].
pub async fn get_vehicle_snapshot(
    core: &Core,
    workspace_id: &WorkspaceId,
    vehicle_id: &VehicleId,
    now: DateTime<Utc>,
) -> Result<VehicleSnapshot, QueryError> {
    let record = workspace_with_own_reads(core, workspace_id).await?;
    let _measured = metrics::query("snapshots");
    let rows = core
        .store
        .snapshots(workspace_id, Some(vehicle_id), None, DEVICES_AT_MOST)
        .await?;
    if rows.is_empty() {
        return Err(QueryError::NotFound("vehicle with an active device"));
    }
    let policy = record.workspace.policy;
    let devices: Vec<DeviceSnapshot> = rows
        .into_iter()
        .map(|row| DeviceSnapshot::evaluate(row, policy, now))
        .collect();
    let (mut signals, mut absent) = (Vec::new(), Vec::new());
    for signal in Signal::all() {
        match choose_newest(&devices, signal) {
            Some(merged) => signals.push(merged),
            None => absent.extend(choose_absence(&devices, signal)),
        }
    }
    Ok(VehicleSnapshot {
        vehicle_id: vehicle_id.clone(),
        devices,
        signals,
        absent,
    })
}

/// Chooses the newest reading of a signal among the devices of a vehicle.
fn choose_newest(devices: &[DeviceSnapshot], signal: Signal) -> Option<VehicleSignal> {
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

/// Chooses the reason for which a vehicle lacks a signal. A reading that was dropped is a better reason than a device
/// that never reported the signal.
fn choose_absence(devices: &[DeviceSnapshot], signal: Signal) -> Option<AbsentSignal> {
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
