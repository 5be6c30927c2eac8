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

/// The subject of an issue; an open vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// Devices are not healthy for this reason.
    Cause(Reason),
    /// Devices are healthy, and their state of charge is absent or old.
    SignalMissingOrStale,
}

impl IssueCode {
    /// Returns every code.
    pub fn all() -> Vec<Self> {
        let causes = Reason::ALL.iter().copied().map(Self::Cause);
        causes.chain([Self::SignalMissingOrStale]).collect()
    }

    /// Returns the word of the code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cause(reason) => reason.as_str(),
            Self::SignalMissingOrStale => "signal_missing_or_stale",
        }
    }

    /// Returns the code of a word, if there is one.
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

/// The health of a device at one instant, with the facts that it follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding<'d> {
    /// The device.
    pub device_id: &'d DeviceId,
    /// The vehicle that the device is fitted to.
    pub vehicle_id: &'d VehicleId,
    /// The connection that the device speaks through.
    pub provider_id: &'d ProviderId,
    /// The instant at which the device was first configured.
    pub configured_at: DateTime<Utc>,
    /// The facts that the state follows from.
    pub facts: &'d DeviceFacts,
    /// The health of the device.
    pub health: &'d Health,
    /// The cause, unless the device is healthy.
    pub cause: Option<Cause>,
    /// The time at which the held state of charge was observed.
    pub state_of_charge_at: Option<DateTime<Utc>>,
}

/// A group of devices with one cause at one connection. Devices that never reported are in groups of their
/// own.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue<'d> {
    /// The subject of the issue.
    pub code: IssueCode,
    /// The connection of the devices.
    pub provider_id: &'d ProviderId,
    /// The party that must mend the issue.
    pub responsibility: Responsibility,
    /// The worst severity of the cause and of the devices' states.
    pub severity: Severity,
    /// The instant at which the first of the devices was to be listed.
    pub opened_at: DateTime<Utc>,
    /// The advice to people.
    pub next_step: &'static str,
    /// The reasons why updates are refused, for [`Reason::UpdatesRejected`].
    pub rejections: BTreeSet<RejectReason>,
    /// The devices, in order of id.
    pub impacted: Vec<Finding<'d>>,
}

impl Issue<'_> {
    /// Returns the number of devices in each state.
    pub fn impacted_by_state(&self) -> BTreeMap<HealthState, u32> {
        let mut counts = BTreeMap::new();
        for finding in &self.impacted {
            *counts.entry(finding.health.state).or_default() += 1;
        }
        counts
    }

    /// Returns the number of vehicles that the devices are fitted to.
    pub fn impacted_vehicles(&self) -> usize {
        let vehicles: BTreeSet<_> = self.impacted.iter().map(|found| found.vehicle_id).collect();
        vehicles.len()
    }

    /// Returns the key that no other issue of the workspace has.
    pub fn key(&self) -> IssueKey {
        IssueKey {
            code: self.code.as_str(),
            provider_id: self.provider_id.clone(),
            never_reported: self.impacted.iter().any(|found| has_no_data(found.health)),
        }
    }
}

/// The key of an issue within its workspace. Issues are listed in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssueKey {
    /// The issue's code, as a word.
    code: &'static str,
    /// The connection whose devices the issue is about.
    provider_id: ProviderId,
    /// Whether the devices of the issue never reported.
    never_reported: bool,
}

impl IssueKey {
    /// Reads a key from the text that [`Display`](fmt::Display) writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, rest) = text.split_once(' ')?;
        let (provider_id, never_reported) = rest.split_once(' ')?;
        Some(Self {
            code: IssueCode::parse(code)?.as_str(),
            provider_id: ProviderId::try_new(provider_id).ok()?,
            never_reported: match never_reported {
                "0" => false,
                "1" => true,
                _ => return None,
            },
        })
    }
}

impl fmt::Display for IssueKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            provider_id,
            never_reported,
        } = self;
        write!(f, "{code} {provider_id} {}", u8::from(*never_reported))
    }
}

fn has_no_data(health: &Health) -> bool {
    health.state == HealthState::ConfiguredNoData
}

/// Groups the devices of a workspace at `now` by cause, connection, and whether they ever reported.
///
/// A stale or never-reporting device is listed from the first instant past its threshold, a device that is
/// merely delayed when it has been so for more than an interval.
pub fn find_issues<'d>(
    findings: impl IntoIterator<Item = Finding<'d>>,
    now: DateTime<Utc>,
) -> Vec<Issue<'d>> {
    let mut issues: Vec<Issue<'d>> = Vec::new();
    let mut positions: BTreeMap<(&str, &ProviderId, bool), usize> = BTreeMap::new();
    for finding in findings {
        let Some((code, listed_since)) = listing_of(&finding, now) else {
            continue;
        };
        let group = (
            code.as_str(),
            finding.provider_id,
            has_no_data(finding.health),
        );
        let position = *positions.entry(group).or_insert_with(|| {
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
        let issue = &mut issues[position];
        issue.opened_at = issue.opened_at.min(listed_since);
        issue.impacted.push(finding);
    }
    for issue in &mut issues {
        summarize(issue);
    }
    issues.sort_by_cached_key(Issue::key);
    issues
}

/// Computes what follows from an issue's devices together.
fn summarize(issue: &mut Issue<'_>) {
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

/// Returns the code under which a device is listed, and since when; `None` for a device that is not listed.
fn listing_of(finding: &Finding<'_>, now: DateTime<Utc>) -> Option<(IssueCode, DateTime<Utc>)> {
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
#[path = "issues_tests/mod.rs"]
mod tests;
