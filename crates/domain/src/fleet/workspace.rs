//! A workspace: one customer fleet.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::fleet::{Cutover, Policy};
use crate::ids::WorkspaceId;
use crate::polling::{Cadences, Schedule, Timetable};

/// A workspace as it is registered here.
#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    /// The platform's id.
    pub id: WorkspaceId,
    /// For people.
    pub name: WorkspaceName,
    /// An inactive workspace is neither polled nor fed, and stays readable.
    pub active: bool,
    /// When it was first registered here.
    pub created_at: DateTime<Utc>,
    /// Its place in the order of registration: the poll offset is derived from it.
    pub registration_number: i64,
    /// Counts changes of the name and of `active`.
    pub version: i64,
    /// Who owns what.
    pub cutover: Cutover,
    /// Freshness thresholds and cadence.
    pub policy: Policy,
    /// From when the policy's cadence counts, and the one before it.
    pub cadences: Cadences,
    /// Since when core has polled it, or has not: `active` and the poll owner together.
    pub polling_changed_at: DateTime<Utc>,
}

impl Workspace {
    /// When this workspace is polled.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.policy.poll_interval, self.registration_number)
    }

    /// Its slots, also around a change of the cadence.
    pub fn timetable(&self) -> Timetable {
        Timetable::new(self.cadences, self.registration_number)
    }

    /// Since when core polls it; none when it does not.
    pub fn polled_since(&self) -> Option<DateTime<Utc>> {
        let polled = self.active && self.cutover.poll_owner.core_polls();
        polled.then_some(self.polling_changed_at)
    }
}

/// A workspace's display name: 1..=200 printable characters, not blank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WorkspaceName(String);

/// A name that is not printable, blank or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 200 printable characters and not blank")]
pub struct InvalidName;

impl WorkspaceName {
    /// # Errors
    /// [`InvalidName`].
    pub fn try_new(text: &str) -> Result<Self, InvalidName> {
        let printable = !text.trim().is_empty()
            && text.chars().count() <= 200
            && !text.contains(char::is_control);
        if printable {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName)
        }
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
