//! The health of a workspace's devices, as of an instant.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::fleet::Policy;
use domain::health::{Cause, Freshness, Health, HealthState, PollingFacts, evaluate, root_cause};
use domain::ids::{ProviderId, VehicleId, WorkspaceId};
use persistence::StorageError;
use persistence::fleet::WorkspaceRecord;
use persistence::health::{ConnectionPolling, HealthRow, WorkspaceHealthFacts};
use telemetry::metrics;

use crate::Core;

/// One device's health.
#[derive(Clone, Debug)]
pub struct DeviceHealth {
    /// What is stored of it.
    pub row: HealthRow,
    /// What follows.
    pub health: Health,
    /// Why, unless healthy.
    pub cause: Option<Cause>,
    /// The last answer of its provider that named it, in this activation.
    pub last_returned_at: Option<DateTime<Utc>>,
}

/// A workspace's health.
#[derive(Clone, Debug)]
pub struct HealthReport {
    /// Every active device, in order of id.
    pub devices: Vec<DeviceHealth>,
    /// How many devices are in each state.
    pub counts: BTreeMap<HealthState, u32>,
    /// NFR-001's share.
    pub freshness: Freshness,
}

/// A vehicle's health: the mildest of its active devices', with the worst beside it.
#[derive(Clone, Debug)]
pub struct VehicleHealth<'r> {
    /// Which vehicle.
    pub vehicle_id: VehicleId,
    /// The mildest state.
    pub state: HealthState,
    /// The worst state.
    pub worst_device_state: HealthState,
    /// The newest acceptance of any.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// Its devices, in order of id.
    pub devices: Vec<&'r DeviceHealth>,
}

/// Evaluates every active device of a workspace at `now`, if there is such a workspace.
///
/// # Errors
/// When the store fails.
pub async fn workspace_health(
    core: &Core,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Option<(WorkspaceRecord, HealthReport)>, StorageError> {
    let mut measured = metrics::query("health");
    let Some((record, facts)) = core.store.health_facts(workspace_id).await? else {
        return Ok(None);
    };
    measured.about_devices(facts.devices.len());
    let report = report(&record, facts, now);
    Ok(Some((record, report)))
}

pub(super) fn report(
    record: &WorkspaceRecord,
    facts: WorkspaceHealthFacts,
    now: DateTime<Utc>,
) -> HealthReport {
    let polling = Polling::new(record, &facts);
    let mut counts: BTreeMap<HealthState, u32> =
        HealthState::ALL.iter().map(|state| (*state, 0)).collect();
    let mut freshness = Freshness::default();
    let devices: Vec<DeviceHealth> = facts
        .devices
        .into_iter()
        .map(|row| {
            let device = polling.evaluate(row, record.workspace.policy, now);
            *counts.entry(device.health.state).or_default() += 1;
            freshness.count_device(&device.health, device.cause);
            device
        })
        .collect();
    HealthReport {
        devices,
        counts,
        freshness,
    }
}

/// How the workspace's connections have been polled, by connection.
struct Polling<'a> {
    record: &'a WorkspaceRecord,
    last_cycle_ended_at: Option<DateTime<Utc>>,
    connections: HashMap<ProviderId, ConnectionPolling>,
}

impl<'a> Polling<'a> {
    fn new(record: &'a WorkspaceRecord, facts: &WorkspaceHealthFacts) -> Self {
        Self {
            record,
            last_cycle_ended_at: facts.last_cycle_ended_at,
            connections: facts
                .connections
                .iter()
                .map(|polling| (polling.provider_id.clone(), polling.clone()))
                .collect(),
        }
    }

    fn evaluate(&self, mut row: HealthRow, policy: Policy, now: DateTime<Utc>) -> DeviceHealth {
        let connection = self.connections.get(&row.provider_id);
        row.facts.declared_interval_minutes =
            connection.and_then(|connection| connection.facts.declared_interval_minutes);
        let health = evaluate(&row.facts, policy, now);
        let cause = if health.state == HealthState::Healthy {
            None
        } else {
            let polling = PollingFacts {
                absent: row.absent,
                last_rejection: row.last_rejection,
                ..PollingFacts::of_connection(
                    &self.record.workspace,
                    self.record.cutover.changed_at,
                    connection.map(|connection| &connection.facts),
                    self.last_cycle_ended_at,
                )
            };
            root_cause(&row.facts, &health, &polling, now)
        };
        let last_returned_at = if row.absent {
            row.returned_before_absence_at
        } else {
            connection
                .and_then(|connection| connection.last_answer_at)
                .filter(|at| *at >= row.facts.activated_at)
        };
        DeviceHealth {
            row,
            health,
            cause,
            last_returned_at,
        }
    }
}

/// Groups device healths by vehicle, in order of vehicle id.
pub fn by_vehicle<'r>(
    devices: impl IntoIterator<Item = &'r DeviceHealth>,
) -> Vec<VehicleHealth<'r>> {
    let mut vehicles: BTreeMap<&VehicleId, Vec<&DeviceHealth>> = BTreeMap::new();
    for device in devices {
        vehicles
            .entry(&device.row.vehicle_id)
            .or_default()
            .push(device);
    }
    vehicles
        .into_iter()
        .filter_map(|(vehicle_id, devices)| {
            let states = || devices.iter().map(|device| device.health.state);
            Some(VehicleHealth {
                vehicle_id: vehicle_id.clone(),
                state: states().min()?,
                worst_device_state: states().max()?,
                last_update_received_at: devices
                    .iter()
                    .filter_map(|device| device.row.facts.last_update_received_at)
                    .max(),
                devices,
            })
        })
        .collect()
}
