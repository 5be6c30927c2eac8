//! The query that finds the issues of a workspace, as of an instant.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::health::{Finding, HealthState, Issue, IssueCode, IssueKey, Reason};
use domain::ids::{CycleId, DeviceId, ProviderId, WorkspaceId};
use domain::polling::PollError;
use persistence::health::ConnectionEvidence;
use telemetry::metrics;

use super::HealthReport;
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// The facts that the issues of a workspace are found in.
#[derive(Clone, Debug)]
pub struct IssueReport {
    /// The health of the workspace and its devices, evaluated from the same facts.
    pub health: HealthReport,
    state_of_charge_at: HashMap<DeviceId, DateTime<Utc>>,
    evidence: HashMap<ProviderId, ConnectionEvidence>,
    last_cycle: Option<CycleId>,
}

/// The evidence for an issue: what leads a person to where the issue shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The cycles in which the issue began and in which it showed last, the earliest first.
    pub cycle_ids: Vec<CycleId>,
    /// The error of the provider, or the reasons for which updates are refused.
    pub error: Option<String>,
}

/// An issue that was found, with the evidence for it.
#[derive(Clone, Debug)]
pub struct FoundIssue<'r> {
    /// The issue.
    pub issue: Issue<'r>,
    /// The evidence for the issue.
    pub evidence: Evidence,
}

/// A filter of issues; an absent member leaves out nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IssueFilter {
    /// Only issues with an impacted device in this state.
    pub state: Option<HealthState>,
    /// Only issues with this code.
    pub code: Option<IssueCode>,
}

impl IssueFilter {
    fn admits(self, issue: &Issue<'_>) -> bool {
        let has_state = |state| {
            issue
                .impacted
                .iter()
                .any(|found| found.health.state == state)
        };
        self.code.is_none_or(|code| issue.code == code) && self.state.is_none_or(has_state)
    }
}

/// Loads the facts that the issues of a workspace follow from, all as of one instant of the database. The report
/// then lists the issues as of `now`, without a copy of the devices.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn find_issues(
    core: &Core,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<IssueReport, QueryError> {
    let _measured = metrics::query("issues");
    let facts = core.store.issue_facts(workspace_id).await?;
    let facts = facts.ok_or(QueryError::NotFound("workspace"))?;
    Ok(IssueReport {
        health: HealthReport::evaluate(facts.record, facts.health, now),
        state_of_charge_at: facts.state_of_charge_at,
        evidence: facts.evidence,
        last_cycle: facts.last_cycle,
    })
}

impl IssueReport {
    /// Lists the issues that the filter admits, in the order of their keys.
    pub fn list(
        &self,
        filter: IssueFilter,
        page: &PageRequest<IssueKey>,
    ) -> Page<FoundIssue<'_>, IssueKey> {
        let mut issues = self.issues();
        issues.retain(|issue| filter.admits(issue) && page.is_after(&issue.key()));
        let Page { items, next } = Page::cut(issues, page, Issue::key);
        let with_evidence = |issue| FoundIssue {
            evidence: self.evidence(&issue),
            issue,
        };
        Page {
            items: items.into_iter().map(with_evidence).collect(),
            next,
        }
    }

    fn issues(&self) -> Vec<Issue<'_>> {
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
        domain::health::find_issues(findings, self.health.summary.evaluated_at)
    }

    /// Collects the evidence for an issue.
    fn evidence(&self, issue: &Issue<'_>) -> Evidence {
        let polls = self.evidence.get(issue.provider_id);
        let latest = polls.and_then(|polls| polls.latest);
        let error = polls.and_then(|polls| polls.error.as_ref());
        let describe = |error: &PollError| format!("{}: {}", error.class, error.detail);
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
            // No poll cycle shows these causes.
            Reason::StreamDisconnected | Reason::StreamSilent | Reason::AwaitingFirstPoll => {
                Evidence::default()
            }
            // An error of the provider from before polling was disabled is no evidence.
            Reason::PollingDisabled => {
                let switched_off = error.filter(|error| !error.class.is_the_providers());
                Evidence {
                    cycle_ids: latest
                        .filter(|_| switched_off.is_some())
                        .into_iter()
                        .collect(),
                    error: switched_off.map(describe),
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
                    error: error.map(describe),
                }
            }
        }
    }
}
