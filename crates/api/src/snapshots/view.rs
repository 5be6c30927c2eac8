//! Snapshots of devices and vehicles, as answers show them.

use std::collections::BTreeMap;

use application::queries::{AbsentSignal, DeviceSnapshot, SnapshotSignal, VehicleSnapshot};
use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::health::SignalFreshness;
use domain::ids::{DeviceId, ProviderId, VehicleId};
use domain::signals::SignalValue;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// The canonical values of one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotView {
    #[schema(value_type = schema::DeviceId)]
    device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    /// The number of updates accepted since activation; 0 if there are no values yet.
    #[schema(example = 7)]
    version: i64,
    /// The service that holds these values: always `core`.
    #[schema(example = "core")]
    source: &'static str,
    #[schema(required)]
    last_update_received_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_observed_at: Option<DateTime<Utc>>,
    /// The current values, by the signal's name in the catalogue.
    #[schema(example = json!({"state_of_charge_percent": {
        "value": 71.5, "unit": "percent", "observed_at": "2026-11-23T08:00:00Z", "age_seconds": 64, "state": "fresh", "provider_id": "geotab-main",
    }}))]
    signals: BTreeMap<&'static str, SignalView>,
    /// The signals of the catalogue that have no current value.
    absent: Vec<AbsentView>,
}

/// The current value of one signal.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalView {
    #[schema(value_type = schema::SignalValue)]
    value: SignalValue,
    /// The unit of the value; an empty string if the signal has no unit.
    #[schema(example = "percent")]
    unit: &'static str,
    #[schema(value_type = DateTime<Utc>)]
    observed_at: TimeText,
    age_seconds: i64,
    #[schema(value_type = schema::SignalState)]
    state: SignalFreshness,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    /// The device that reported the value; present only in a vehicle's snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
}

/// A signal without a current value.
#[derive(Serialize, ToSchema)]
pub(crate) struct AbsentView {
    #[schema(value_type = schema::SignalName)]
    signal: &'static str,
    /// `never_reported`, or why the signal was dropped from its latest update. New words may be added.
    #[schema(example = "never_reported")]
    reason: &'static str,
}

/// The values of one vehicle, merged signal by signal from its devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct VehicleSnapshotView {
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    /// The service that holds these values: always `core`.
    #[schema(example = "core")]
    source: &'static str,
    #[schema(required)]
    last_update_received_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_observed_at: Option<DateTime<Utc>>,
    /// The current values, by the signal's name in the catalogue.
    #[schema(example = json!({"state_of_charge_percent": {
        "value": 71.5, "unit": "percent", "observed_at": "2026-11-23T08:00:00Z", "age_seconds": 64, "state": "fresh", "provider_id": "geotab-main",
    }}))]
    signals: BTreeMap<&'static str, SignalView>,
    absent: Vec<AbsentView>,
    devices: Vec<SnapshotView>,
}

pub(super) fn render_snapshot(snapshot: &DeviceSnapshot) -> SnapshotView {
    let row = &snapshot.row;
    SnapshotView {
        device_id: row.device_id.clone(),
        vehicle_id: row.vehicle_id.clone(),
        version: row.held.version,
        source: "core",
        last_update_received_at: row.last_update_received_at,
        last_observed_at: row.newest_observed_at,
        signals: snapshot
            .signals
            .iter()
            .map(|held| {
                (
                    held.signal.name(),
                    render_signal(held, &row.provider_id, None),
                )
            })
            .collect(),
        absent: snapshot.absent.iter().map(render_absent_signal).collect(),
    }
}

pub(super) fn render_vehicle_snapshot(vehicle: &VehicleSnapshot) -> VehicleSnapshotView {
    let rows = || vehicle.devices.iter().map(|device| &device.row);
    VehicleSnapshotView {
        vehicle_id: vehicle.vehicle_id.clone(),
        source: "core",
        last_update_received_at: rows().filter_map(|row| row.last_update_received_at).max(),
        last_observed_at: rows().filter_map(|row| row.newest_observed_at).max(),
        signals: vehicle
            .signals
            .iter()
            .map(|merged| {
                (
                    merged.signal.signal.name(),
                    render_signal(
                        &merged.signal,
                        &merged.provider_id,
                        Some(merged.device_id.clone()),
                    ),
                )
            })
            .collect(),
        absent: vehicle.absent.iter().map(render_absent_signal).collect(),
        devices: vehicle.devices.iter().map(render_snapshot).collect(),
    }
}

fn render_signal(
    held: &SnapshotSignal,
    provider_id: &ProviderId,
    device_id: Option<DeviceId>,
) -> SignalView {
    SignalView {
        value: held.reading.value,
        unit: held.signal.spec().unit,
        observed_at: TimeText(held.reading.observed_at),
        age_seconds: held.age.num_seconds(),
        state: held.freshness,
        provider_id: provider_id.clone(),
        device_id,
    }
}

fn render_absent_signal(absent: &AbsentSignal) -> AbsentView {
    AbsentView {
        signal: absent.signal.name(),
        reason: absent.reason,
    }
}
