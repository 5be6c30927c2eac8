//! Issues: what is wrong in a workspace, one cause at a time instead of one device at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::{
    Cause, DeviceFacts, Health, HealthState, Reason, Responsibility, Severity, SignalFreshness,
    signal_freshness,
};
use crate::acceptance::RejectReason;
use crate::ids::{DeviceId, ProviderId, VehicleId};

/// What an issue is about; an open vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// Devices that are not healthy for this reason.
    Cause(Reason),
    /// Healthy devices whose state of charge is absent or old.
    SignalMissingOrStale,
}

impl IssueCode {
    /// Every code.
    pub fn all() -> Vec<Self> {
        let causes = Reason::ALL.iter().copied().map(Self::Cause);
        causes.chain([Self::SignalMissingOrStale]).collect()
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cause(reason) => reason.as_str(),
            Self::SignalMissingOrStale => "signal_missing_or_stale",
        }
    }

    /// The code of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::all().into_iter().find(|code| code.as_str() == word)
    }
}

impl fmt::Display for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for IssueCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A device as it was found at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding<'d> {
    /// Which device.
    pub device_id: &'d DeviceId,
    /// Its vehicle.
    pub vehicle_id: &'d VehicleId,
    /// Its connection.
    pub provider_id: &'d ProviderId,
    /// When it was first configured.
    pub configured_at: DateTime<Utc>,
    /// What its state follows from.
    pub facts: &'d DeviceFacts,
    /// Its health.
    pub health: &'d Health,
    /// Why, unless healthy.
    pub cause: Option<Cause>,
    /// When the state of charge that is held was observed.
    pub state_of_charge_at: Option<DateTime<Utc>>,
}

/// Devices that suffer from the same: one cause, at one connection; never-reported ones apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue<'d> {
    /// What it is.
    pub code: IssueCode,
    /// At which connection.
    pub provider_id: &'d ProviderId,
    /// Whose it is to mend.
    pub responsibility: Responsibility,
    /// The worst of its cause and of its devices.
    pub severity: Severity,
    /// When the first of its devices was to be listed.
    pub opened_at: DateTime<Utc>,
    /// What a person can do about it.
    pub next_step: &'static str,
    /// Why updates are refused, for [`Reason::UpdatesRejected`].
    pub rejections: BTreeSet<RejectReason>,
    /// Its devices, in order of id.
    pub impacted: Vec<Finding<'d>>,
}

impl Issue<'_> {
    /// How many of its devices are in each state.
    pub fn impacted_by_state(&self) -> BTreeMap<HealthState, u32> {
        let mut counts = BTreeMap::new();
        for finding in &self.impacted {
            *counts.entry(finding.health.state).or_default() += 1;
        }
        counts
    }

    /// How many vehicles its devices are fitted to.
    pub fn impacted_vehicles(&self) -> usize {
        let vehicles: BTreeSet<_> = self.impacted.iter().map(|found| found.vehicle_id).collect();
        vehicles.len()
    }

    /// A name that no other issue of the workspace has; issues come in the order of their names.
    pub fn key(&self) -> String {
        let no_data = self.impacted.iter().any(|found| has_no_data(found.health));
        format!("{} {} {}", self.code, self.provider_id, u8::from(no_data))
    }
}

fn has_no_data(health: &Health) -> bool {
    health.state == HealthState::ConfiguredNoData
}

/// Groups what was found at `now` by cause, connection, and whether the devices ever reported.
///
/// A stale or never-reporting device is listed from the first instant past its threshold, one that is
/// merely delayed when it has been so for more than an interval.
pub fn find_issues<'d>(
    findings: impl IntoIterator<Item = Finding<'d>>,
    now: DateTime<Utc>,
) -> Vec<Issue<'d>> {
    let mut issues: Vec<Issue<'d>> = Vec::new();
    let mut places: BTreeMap<(&str, &ProviderId, bool), usize> = BTreeMap::new();
    for finding in findings {
        let Some((code, listed_since)) = listed(&finding, now) else {
            continue;
        };
        let group = (
            code.as_str(),
            finding.provider_id,
            has_no_data(finding.health),
        );
        let place = *places.entry(group).or_insert_with(|| {
            issues.push(Issue {
                code,
                provider_id: finding.provider_id,
                responsibility: Responsibility::Ours,
                severity: Severity::Info,
                opened_at: listed_since,
                next_step: "",
                rejections: BTreeSet::new(),
                impacted: Vec::new(),
            });
            issues.len() - 1
        });
        let issue = &mut issues[place];
        issue.opened_at = issue.opened_at.min(listed_since);
        issue.impacted.push(finding);
    }
    for issue in &mut issues {
        conclude(issue);
    }
    issues.sort_by_cached_key(Issue::key);
    issues
}

/// What follows from an issue's devices together.
fn conclude(issue: &mut Issue<'_>) {
    issue.impacted.sort_by_key(|found| found.device_id);
    let causes = || issue.impacted.iter().filter_map(|found| found.cause);
    let states = issue
        .impacted
        .iter()
        .filter_map(|found| found.health.state.severity());
    match issue.code {
        IssueCode::Cause(reason) => {
            issue.severity = states.fold(reason.severity(), Severity::max);
            issue.rejections = causes().filter_map(|cause| cause.rejection).collect();
            let cause = causes().next().unwrap_or(reason.into());
            issue.responsibility = cause.responsibility;
            // A step for one kind of refusal is none for another.
            let several = issue.rejections.len() > 1;
            let rejection = cause.rejection.filter(|_| !several);
            issue.next_step = Cause { rejection, ..cause }.next_step();
        }
        IssueCode::SignalMissingOrStale => {
            issue.severity = Severity::Warning;
            issue.responsibility = Responsibility::Device;
            issue.next_step = "Check at the provider whether the unit is set up to send the state of charge: it reports, and this is absent or old.";
        }
    }
}

/// Under which code a device is listed, and since when; `None` for one that is not.
fn listed(finding: &Finding<'_>, now: DateTime<Utc>) -> Option<(IssueCode, DateTime<Utc>)> {
    let health = finding.health;
    if health.state == HealthState::Healthy {
        let since = charge_lacking_since(finding, now)?;
        return Some((IssueCode::SignalMissingOrStale, since));
    }
    let since = match health.state {
        HealthState::Healthy | HealthState::AwaitingFirstData => return None,
        HealthState::ConfiguredNoData => health.grace_exceeded_at?,
        HealthState::Stale => {
            // It was delayed before, and perhaps listed then: an issue does not get younger.
            let received_at = finding.facts.last_update_received_at?;
            received_at
                + health
                    .stale_after
                    .min(health.delayed_after + health.interval())
        }
        HealthState::Delayed => {
            let since = health.since? + health.interval();
            if now <= since {
                return None;
            }
            since
        }
    };
    Some((IssueCode::Cause(finding.cause?.reason), since))
}

fn charge_lacking_since(finding: &Finding<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let Some(observed_at) = finding.state_of_charge_at else {
        return Some(finding.facts.activated_at);
    };
    let (_, freshness) = signal_freshness(observed_at, finding.health, now);
    (freshness == SignalFreshness::Stale).then(|| observed_at + finding.health.stale_after)
}

#[cfg(test)]
#[path = "issues_tests.rs"]
mod tests;
