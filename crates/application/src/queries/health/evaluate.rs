//! The evaluation of a workspace and its devices, as of an instant.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::fleet::{Policy, WorkspaceRecord};
use domain::health::{
    ActiveDevice, Cause, ConnectionPolling, Freshness, Health, HealthState, PollingFacts,
    WorkspaceHealthFacts, evaluate, root_cause,
};
use domain::ids::{ProviderId, WorkspaceId};
use telemetry::metrics;

use super::past::evaluate_past_workspace;
use crate::Core;
use crate::queries::QueryError;

/// The health of one device.
#[derive(Clone, Debug)]
pub struct DeviceHealth {
    /// The device, with the stored facts that its health follows from.
    pub row: ActiveDevice,
    /// The health that follows from the facts.
    pub health: Health,
    /// The root cause, unless the device is healthy.
    pub cause: Option<Cause>,
    /// The instant of the last answer of the provider that named the device, in this activation.
    pub last_returned_at: Option<DateTime<Utc>>,
}

/// The health of a workspace, without its devices.
#[derive(Clone, Debug)]
pub struct HealthSummary {
    /// The workspace, with the flags and policy that the states follow from.
    pub record: WorkspaceRecord,
    /// The instant of the evaluation.
    pub evaluated_at: DateTime<Utc>,
    /// The number of active devices in each state; every state is present.
    pub counts: BTreeMap<HealthState, u32>,
    /// The share of devices that were updated within five minutes (NFR-001).
    pub freshness: Freshness,
}

/// The health of a workspace and of every active device.
#[derive(Clone, Debug)]
pub struct HealthReport {
    /// The health of the workspace.
    pub summary: HealthSummary,
    /// The health of every active device, in order of id.
    pub devices: Vec<DeviceHealth>,
}

/// The instant of an evaluation, and the facts that it is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthAt {
    /// The facts that are stored now, evaluated at this instant.
    Present(DateTime<Utc>),
    /// The facts of an instant of the past, read from the history.
    Past(DateTime<Utc>),
}

impl HealthAt {
    /// Chooses the facts for an evaluation at `instant`: the history if the reader asked for an instant that is not
    /// later than `now`, else the stored facts. A list is evaluated at the instant of its first page, which can be
    /// earlier than `now` though the reader asked for the present.
    pub fn choose(
        asked: Option<DateTime<Utc>>,
        instant: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        if asked.is_some_and(|asked| asked <= now) {
            Self::Past(instant)
        } else {
            Self::Present(instant)
        }
    }
}

/// Evaluates every active device of a workspace.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::HistoryNotRetained`];
/// [`QueryError::Storage`].
pub async fn evaluate_workspace(
    core: &Core,
    workspace_id: &WorkspaceId,
    at: HealthAt,
) -> Result<HealthReport, QueryError> {
    let now = match at {
        HealthAt::Past(at) => return evaluate_past_workspace(core, workspace_id, at).await,
        HealthAt::Present(now) => now,
    };
    let mut measured = metrics::query("health");
    let facts = core.store.health_facts(workspace_id).await?;
    let (record, facts) = facts.ok_or(QueryError::NotFound("workspace"))?;
    measured.about_devices(facts.devices.len());
    Ok(HealthReport::evaluate(record, facts, now))
}

impl HealthReport {
    /// Evaluates the facts of a workspace at `now`.
    pub(crate) fn evaluate(
        record: WorkspaceRecord,
        facts: WorkspaceHealthFacts,
        now: DateTime<Utc>,
    ) -> Self {
        let polling = WorkspacePollingFacts::new(&record, &facts);
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
        Self {
            summary: HealthSummary {
                record,
                evaluated_at: now,
                counts,
                freshness,
            },
            devices,
        }
    }
}

/// The facts of a workspace that each of its devices is evaluated with.
struct WorkspacePollingFacts<'a> {
    record: &'a WorkspaceRecord,
    last_cycle_ended_at: Option<DateTime<Utc>>,
    connections: HashMap<ProviderId, ConnectionPolling>,
}

impl<'a> WorkspacePollingFacts<'a> {
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

    /// Evaluates one device, and finds the root cause if the device is not healthy.
    fn evaluate(&self, mut row: ActiveDevice, policy: Policy, now: DateTime<Utc>) -> DeviceHealth {
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
