//! Workspaces: each is the fleet of one customer.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::fleet::{Cutover, Policy, ProviderType, ReadOwner};
use crate::ids::WorkspaceId;
use crate::polling::{Cadences, Schedule, Timetable};

/// A workspace as it is registered here.
#[derive(Clone, Debug, PartialEq)]
pub struct Workspace {
    /// The id that the platform gave.
    pub id: WorkspaceId,
    /// The name for people.
    pub name: WorkspaceName,
    /// An inactive workspace is neither polled nor fed, and stays readable.
    pub active: bool,
    /// The instant at which the workspace was first registered here.
    pub created_at: DateTime<Utc>,
    /// The number of the workspace in the order of registration. The poll offset is derived from it.
    pub registration_number: i64,
    /// The number of changes of the name and of `active`.
    pub version: i64,
    /// The flags that say who owns what.
    pub cutover: Cutover,
    /// The cadence and the thresholds.
    pub policy: Policy,
    /// The cadence of the policy with the instant from which it counts, and the cadence before it.
    pub cadences: Cadences,
    /// The instant since which core has polled the workspace, or has not: `active` and the poll owner
    /// together.
    pub polling_changed_at: DateTime<Utc>,
}

impl Workspace {
    /// Returns the schedule by which this workspace is polled.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.policy.poll_interval, self.registration_number)
    }

    /// Returns the slots of this workspace, also around a change of the cadence.
    pub fn timetable(&self) -> Timetable {
        Timetable::new(self.cadences, self.registration_number)
    }

    /// Returns whether core owns the reads of this workspace, so that its answers count.
    pub fn is_authoritative(&self) -> bool {
        self.cutover.read_owner == ReadOwner::Core
    }

    /// Returns whether core polls a connection of this workspace: the workspace is active and core's to poll,
    /// the provider mode admits the connection's type, and the connection is enabled.
    pub fn polls(&self, provider_type: ProviderType, enabled: bool) -> bool {
        enabled && self.polled_since().is_some() && self.cutover.provider_mode.allows(provider_type)
    }

    /// Returns the instant since which core has polled this workspace; `None` when it does not.
    pub fn polled_since(&self) -> Option<DateTime<Utc>> {
        let polled = self.active && self.cutover.poll_owner.core_polls();
        polled.then_some(self.polling_changed_at)
    }
}

/// A workspace's display name: 1..=200 printable characters, not blank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WorkspaceName(String);

/// A text that cannot be the name of a workspace: blank, too long, or not printable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 200 printable characters and not blank")]
pub struct InvalidWorkspaceName;

impl WorkspaceName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`InvalidWorkspaceName`].
    pub fn try_new(text: &str) -> Result<Self, InvalidWorkspaceName> {
        let printable = !text.trim().is_empty()
            && text.chars().count() <= 200
            && !text.contains(char::is_control);
        if printable {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidWorkspaceName)
        }
    }

    /// Returns the name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
