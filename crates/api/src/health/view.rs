//! The health of a workspace, its devices and its vehicles, as answers show it.

use std::collections::BTreeMap;

use application::queries::{DeviceHealth, HealthSummary, VehicleHealth};
use chrono::{DateTime, TimeDelta, Utc};
use domain::TimeText;
use domain::acceptance::RejectReason;
use domain::health::{Cause, Freshness, HealthState, Reason, Responsibility, Severity};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;

/// A workspace's health. Counts and freshness cover all devices of the workspace, whatever the filter.
#[derive(Serialize, ToSchema)]
pub(crate) struct HealthAnswer {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    evaluated_at: DateTime<Utc>,
    /// The service that computed this answer: always `core`.
    #[schema(example = "core")]
    source: &'static str,
    /// Whether core, not the legacy service, owns this workspace's reads.
    authoritative: bool,
    policy: PolicyInForce,
    /// The number of devices in each state. Every state is present, also with 0.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"healthy": 57, "delayed": 1, "stale": 1, "configured-no-data": 1, "awaiting-first-data": 0}))]
    counts: BTreeMap<&'static str, u32>,
    freshness: FreshnessView,
    /// The devices of this page; absent when the answer is grouped by vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<DeviceHealthView>>,
    /// The vehicles of this page; present only when the answer is grouped by vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    vehicles: Option<Vec<VehicleHealthView>>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// The policy from which the states were computed.
#[derive(Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the contract's names, with their unit"
)]
pub(crate) struct PolicyInForce {
    #[schema(example = 5)]
    poll_interval_minutes: u32,
    #[schema(example = 15)]
    stale_threshold_minutes: u32,
    #[schema(example = 60)]
    no_data_grace_minutes: u32,
}

/// The share of devices updated within five minutes. Devices that await their first data, and devices whose
/// provider is down, are not counted.
#[derive(Serialize, ToSchema)]
pub(crate) struct FreshnessView {
    #[schema(example = 57)]
    within_5_minutes: u32,
    #[schema(example = 60)]
    eligible_devices: u32,
    #[schema(required, example = 95.0)]
    within_5_minutes_percent: Option<f64>,
}

/// The health of one device.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceHealthView {
    #[schema(value_type = schema::DeviceId)]
    device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    #[schema(value_type = schema::HealthState)]
    state: HealthState,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    last_update_received_at: Option<TimeText>,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    last_observed_at: Option<TimeText>,
    #[schema(required, example = 1260)]
    age_seconds: Option<i64>,
    #[schema(required, example = 4)]
    lag_seconds: Option<i64>,
    /// The age from which this device is stale.
    #[schema(example = 900)]
    stale_threshold_seconds: i64,
    #[schema(required, value_type = Option<schema::Reason>)]
    reason: Option<Reason>,
    /// Why the device's updates are rejected; `null` unless rejection is the reason.
    #[schema(required, value_type = Option<schema::RejectReason>, example = json!(null))]
    rejection: Option<RejectReason>,
    #[schema(required, value_type = Option<schema::Responsibility>)]
    responsibility: Option<Responsibility>,
    #[schema(required, value_type = Option<schema::Severity>)]
    severity: Option<Severity>,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    since: Option<TimeText>,
    /// What a person should do next.
    #[schema(
        required,
        example = "Ask the customer whether the unit is fitted, powered and still under this id at the provider."
    )]
    next_step: Option<&'static str>,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    last_returned_at: Option<TimeText>,
    #[schema(value_type = DateTime<Utc>)]
    configured_at: TimeText,
    #[schema(value_type = DateTime<Utc>)]
    activated_at: TimeText,
    #[schema(required, value_type = Option<DateTime<Utc>>, example = json!(null))]
    grace_exceeded_at: Option<TimeText>,
}

/// The health of one vehicle: its state is the mildest state among its devices, and the worst is shown beside it.
#[derive(Serialize, ToSchema)]
pub(crate) struct VehicleHealthView {
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    #[schema(value_type = schema::HealthState)]
    state: HealthState,
    #[schema(value_type = schema::HealthState)]
    worst_device_state: HealthState,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    last_update_received_at: Option<TimeText>,
    devices: Vec<DeviceHealthView>,
}

impl HealthAnswer {
    /// Adds a page of devices to the summary.
    pub(super) fn with_devices(
        self,
        devices: Vec<DeviceHealthView>,
        next_cursor: Option<String>,
    ) -> Self {
        Self {
            devices: Some(devices),
            next_cursor,
            ..self
        }
    }

    /// Adds a page of vehicles to the summary.
    pub(super) fn with_vehicles(
        self,
        vehicles: Vec<VehicleHealthView>,
        next_cursor: Option<String>,
    ) -> Self {
        Self {
            vehicles: Some(vehicles),
            next_cursor,
            ..self
        }
    }
}

/// Renders everything but the page of devices or vehicles.
pub(super) fn render_summary(summary: &HealthSummary) -> HealthAnswer {
    let workspace = &summary.record.workspace;
    let policy = workspace.policy;
    let Freshness {
        within_5_minutes,
        eligible_devices,
    } = summary.freshness;
    HealthAnswer {
        workspace_id: workspace.id.clone(),
        evaluated_at: summary.evaluated_at,
        source: "core",
        authoritative: workspace.is_authoritative(),
        policy: PolicyInForce {
            poll_interval_minutes: policy.poll_interval.minutes(),
            stale_threshold_minutes: policy.stale_threshold_minutes,
            no_data_grace_minutes: policy.no_data_grace_minutes,
        },
        counts: summary
            .counts
            .iter()
            .map(|(state, count)| (state.as_str(), *count))
            .collect(),
        freshness: FreshnessView {
            within_5_minutes,
            eligible_devices,
            within_5_minutes_percent: summary.freshness.percent(),
        },
        devices: None,
        vehicles: None,
        next_cursor: None,
    }
}

pub(super) fn render_vehicle(vehicle: &VehicleHealth) -> VehicleHealthView {
    VehicleHealthView {
        vehicle_id: vehicle.vehicle_id.clone(),
        state: vehicle.state,
        worst_device_state: vehicle.worst_device_state,
        last_update_received_at: vehicle.last_update_received_at.map(TimeText),
        devices: vehicle.devices.iter().map(render_device).collect(),
    }
}

pub(super) fn render_device(device: &DeviceHealth) -> DeviceHealthView {
    let (row, health) = (&device.row, &device.health);
    DeviceHealthView {
        device_id: row.device_id.clone(),
        vehicle_id: row.vehicle_id.clone(),
        provider_id: row.provider_id.clone(),
        state: health.state,
        last_update_received_at: row.facts.last_update_received_at.map(TimeText),
        last_observed_at: row.facts.newest_observed_at.map(TimeText),
        age_seconds: health.age.as_ref().map(TimeDelta::num_seconds),
        lag_seconds: health.lag.as_ref().map(TimeDelta::num_seconds),
        stale_threshold_seconds: health.stale_after.num_seconds(),
        reason: device.cause.map(|cause| cause.reason),
        rejection: device.cause.and_then(|cause| cause.rejection),
        responsibility: device.cause.map(|cause| cause.responsibility),
        severity: health.state.severity(),
        since: health.since.map(TimeText),
        next_step: device.cause.map(Cause::next_step),
        last_returned_at: device.last_returned_at.map(TimeText),
        configured_at: TimeText(row.configured_at),
        activated_at: TimeText(row.facts.activated_at),
        grace_exceeded_at: health.grace_exceeded_at.map(TimeText),
    }
}
