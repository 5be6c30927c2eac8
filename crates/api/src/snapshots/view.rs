//! How snapshots are shown.

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

/// A device's canonical values.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotView {
    #[schema(value_type = schema::DeviceId)]
    device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    /// Accepted updates since activation; 0 when nothing is held.
    #[schema(example = 7)]
    version: i64,
    /// `core`.
    #[schema(example = "core")]
    source: &'static str,
    #[schema(required)]
    last_update_received_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_observed_at: Option<DateTime<Utc>>,
    /// By name of the catalogue.
    #[schema(example = json!({"state_of_charge_percent": {
        "value": 71.5, "unit": "percent", "observed_at": "2026-11-23T08:00:00Z", "age_seconds": 64, "state": "fresh", "provider_id": "geotab-main",
    }}))]
    signals: BTreeMap<&'static str, SignalView>,
    /// Signals of the catalogue that are not held.
    absent: Vec<AbsentView>,
}

/// One held signal.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalView {
    #[schema(value_type = schema::SignalValue)]
    value: SignalValue,
    /// Empty where there is none.
    #[schema(example = "percent")]
    unit: &'static str,
    #[schema(value_type = DateTime<Utc>)]
    observed_at: TimeText,
    age_seconds: i64,
    #[schema(value_type = schema::SignalState)]
    state: SignalFreshness,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    /// The device that it came from, in a vehicle's view.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::DeviceId>)]
    device_id: Option<DeviceId>,
}

/// A signal that is not held.
#[derive(Serialize, ToSchema)]
pub(crate) struct AbsentView {
    #[schema(value_type = schema::SignalName)]
    signal: &'static str,
    /// `never_reported`, or why it was dropped when it last came; an open vocabulary.
    #[schema(example = "never_reported")]
    reason: &'static str,
}

/// A vehicle's values, merged signal by signal from its devices.
#[derive(Serialize, ToSchema)]
pub(crate) struct VehicleSnapshotView {
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    /// `core`.
    #[schema(example = "core")]
    source: &'static str,
    #[schema(required)]
    last_update_received_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_observed_at: Option<DateTime<Utc>>,
    /// By name of the catalogue.
    #[schema(example = json!({"state_of_charge_percent": {
        "value": 71.5, "unit": "percent", "observed_at": "2026-11-23T08:00:00Z", "age_seconds": 64, "state": "fresh", "provider_id": "geotab-main",
    }}))]
    signals: BTreeMap<&'static str, SignalView>,
    absent: Vec<AbsentView>,
    devices: Vec<SnapshotView>,
}

pub(super) fn snapshot_view(snapshot: &DeviceSnapshot) -> SnapshotView {
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
                    signal_view(held, &row.provider_id, None),
                )
            })
            .collect(),
        absent: snapshot.absent.iter().map(absent_view).collect(),
    }
}

pub(super) fn vehicle_view(vehicle: &VehicleSnapshot) -> VehicleSnapshotView {
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
                    signal_view(
                        &merged.signal,
                        &merged.provider_id,
                        Some(merged.device_id.clone()),
                    ),
                )
            })
            .collect(),
        absent: vehicle.absent.iter().map(absent_view).collect(),
        devices: vehicle.devices.iter().map(snapshot_view).collect(),
    }
}

fn signal_view(
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

fn absent_view(absent: &AbsentSignal) -> AbsentView {
    AbsentView {
        signal: absent.signal.name(),
        reason: absent.reason,
    }
}
