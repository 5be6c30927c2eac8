//! The reconciliation sweep: what it found, did, and how it ended.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::vocabulary::words;

words!(
    /// How far a sweep has come.
    SweepStatus {
        /// Asked for, and not yet taken by an instance.
        Queued = "queued",
        /// Held by one instance.
        Running = "running",
        /// Every step that is configured did all that it had to.
        Completed = "completed",
        /// Some of it did not succeed.
        Partial = "partial",
        /// No step succeeded, or three instances were lost over it.
        Failed = "failed",
    }
);

impl SweepStatus {
    /// Whether nothing will change any more.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

words!(
    /// How one step of a sweep ended.
    StepOutcome {
        /// It did all that it had to.
        Completed = "completed",
        /// This deployment has nothing for it to do.
        NotConfigured = "not_configured",
        /// Some or all of it did not succeed.
        Failed = "failed",
    }
);

/// What a sweep found and did, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Schedules at EventBridge against those that SQL wants.
    pub schedules: SweptSchedules,
    /// Day partitions of events.
    pub partitions: SweptPartitions,
    /// Devices of the legacy registry.
    pub legacy_registry: SweptRegistry,
}

/// Schedules: what was found, and what could not be repaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptSchedules {
    /// How the step ended.
    pub outcome: StepOutcome,
    /// Active workspaces whose schedule was looked at.
    pub checked: u32,
    /// Schedules that were just as wanted.
    pub in_line: u32,
    /// Changes that were not applied yet when the sweep came; it applied them.
    pub pending: u32,
    /// Schedules that were confirmed once and were not there.
    pub missing: u32,
    /// Schedules that were other than confirmed.
    pub changed: u32,
    /// Schedules of no active workspace.
    pub orphaned: u32,
    /// Names in the group that are none of ours; they are let be.
    pub foreign: u32,
    /// Of all these, what could not be repaired.
    pub not_repaired: u32,
    /// Why the step failed, where it did.
    pub error: Option<String>,
}

impl SweptSchedules {
    /// Nothing found yet.
    pub const fn new(outcome: StepOutcome) -> Self {
        Self {
            outcome,
            checked: 0,
            in_line: 0,
            pending: 0,
            missing: 0,
            changed: 0,
            orphaned: 0,
            foreign: 0,
            not_repaired: 0,
            error: None,
        }
    }
}

/// Partitions of events and of raw messages past their retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptPartitions {
    /// How the step ended.
    pub outcome: StepOutcome,
    /// Days that are gone with all their events.
    pub dropped: Vec<NaiveDate>,
    /// Days that are gone with all their raw messages and envelopes; older reports do not say.
    #[serde(default)]
    pub raw_messages_dropped: Vec<NaiveDate>,
    /// Why the step failed, where it did.
    pub error: Option<String>,
}

/// Devices mirrored from the legacy registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptRegistry {
    /// How the step ended.
    pub outcome: StepOutcome,
    /// Devices that were brought in line.
    pub mirrored: u32,
    /// Why the step failed, where it did.
    pub error: Option<String>,
}

impl SweepReport {
    /// How a sweep with this report ended.
    pub fn status(&self) -> SweepStatus {
        let steps = [
            self.schedules.outcome,
            self.partitions.outcome,
            self.legacy_registry.outcome,
        ];
        let any = |outcome| steps.contains(&outcome);
        match (any(StepOutcome::Failed), any(StepOutcome::Completed)) {
            (false, _) => SweepStatus::Completed,
            (true, true) => SweepStatus::Partial,
            (true, false) => SweepStatus::Failed,
        }
    }
}
