//! The issues of a workspace, as of an instant.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::health::{Finding, Issue, IssueCode, Reason, find_issues};
use domain::ids::{CycleId, DeviceId, ProviderId, WorkspaceId};
use domain::polling::PollError;
use persistence::StorageError;
use persistence::fleet::WorkspaceRecord;
use persistence::health::ConnectionEvidence;
use telemetry::metrics;

use super::health::{HealthReport, report};
use crate::Core;

/// What a workspace's issues are found in.
#[derive(Clone, Debug)]
pub struct IssueReport {
    /// The workspace.
    pub record: WorkspaceRecord,
    /// Its devices' health, of the same facts.
    pub health: HealthReport,
    state_of_charge_at: HashMap<DeviceId, DateTime<Utc>>,
    evidence: HashMap<ProviderId, ConnectionEvidence>,
    last_cycle: Option<CycleId>,
    now: DateTime<Utc>,
}

/// What leads to where an issue shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Cycles, the earliest first: where it began and where it showed last.
    pub cycle_ids: Vec<CycleId>,
    /// What the provider answered, or why updates are refused.
    pub error: Option<String>,
}

/// Reads what the issues of a workspace follow from, all as of one instant of the database; `None` where
/// there is no such workspace.
///
/// # Errors
/// When the store fails.
pub async fn workspace_issues(
    core: &Core,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Option<IssueReport>, StorageError> {
    let _measured = metrics::query("issues");
    let facts = core.store.issue_facts(workspace_id).await?;
    Ok(facts.map(|facts| IssueReport {
        health: report(&facts.record, facts.health, now),
        record: facts.record,
        state_of_charge_at: facts.state_of_charge_at,
        evidence: facts.evidence,
        last_cycle: facts.last_cycle,
        now,
    }))
}

impl IssueReport {
    /// The issues, in the order of their keys.
    pub fn issues(&self) -> Vec<Issue<'_>> {
        let findings = self.health.devices.iter().map(|device| Finding {
            device_id: &device.row.device_id,
            vehicle_id: &device.row.vehicle_id,
            provider_id: &device.row.provider_id,
            configured_at: device.row.configured_at,
            facts: &device.row.facts,
            health: &device.health,
            cause: device.cause,
            state_of_charge_at: self.state_of_charge_at.get(&device.row.device_id).copied(),
        });
        find_issues(findings, self.now)
    }

    /// What leads to where one of them shows.
    pub fn evidence(&self, issue: &Issue<'_>) -> Evidence {
        let polls = self.evidence.get(issue.provider_id);
        let latest = polls.and_then(|polls| polls.latest);
        let error = polls.and_then(|polls| polls.error.as_ref());
        let told = |error: &PollError| format!("{}: {}", error.class, error.detail);
        let IssueCode::Cause(reason) = issue.code else {
            return Evidence {
                cycle_ids: latest.into_iter().collect(),
                error: None,
            };
        };
        match reason {
            Reason::CyclesNotRunning => Evidence {
                cycle_ids: self.last_cycle.into_iter().collect(),
                error: None,
            },
            // No cycle shows these.
            Reason::StreamDisconnected | Reason::StreamSilent | Reason::AwaitingFirstPoll => {
                Evidence::default()
            }
            // What it failed at before it was switched off says nothing.
            Reason::PollingDisabled => {
                let switched_off = error.filter(|error| !error.class.is_the_providers());
                Evidence {
                    cycle_ids: latest
                        .filter(|_| switched_off.is_some())
                        .into_iter()
                        .collect(),
                    error: switched_off.map(told),
                }
            }
            Reason::UpdatesRejected => {
                let rejections = issue.rejections.iter().map(|one| one.as_str());
                Evidence {
                    cycle_ids: latest.into_iter().collect(),
                    error: Some(rejections.collect::<Vec<_>>().join(", ")),
                }
            }
            _ => {
                let first = polls.and_then(|polls| polls.first_failed);
                let latest = latest.filter(|latest| first != Some(*latest));
                Evidence {
                    cycle_ids: first.into_iter().chain(latest).collect(),
                    error: error.map(told),
                }
            }
        }
    }
}
