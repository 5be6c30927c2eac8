//! Reconciliation sweeps: what a sweep found and did, and how it ended.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::SweepId;
use crate::vocabulary::words;

words!(
    /// The state of a sweep.
    SweepStatus {
        /// The sweep was asked for, and is not yet taken by an instance.
        Queued = "queued",
        /// One instance holds the sweep.
        Running = "running",
        /// Every step that is configured did all that it had to.
        Completed = "completed",
        /// Some step did not do all that it had to.
        Partial = "partial",
        /// No step succeeded, or three instances were lost over the sweep.
        Failed = "failed",
    }
);

impl SweepStatus {
    /// Returns whether nothing will change any more.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

words!(
    /// The outcome of one step of a sweep.
    StepOutcome {
        /// The step did all that it had to.
        Completed = "completed",
        /// This deployment has nothing for the step to do.
        NotConfigured = "not_configured",
        /// Some or all of the step's work did not succeed.
        Failed = "failed",
    }
);

/// A recorded sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRecord {
    /// The sweep's id.
    pub sweep_id: SweepId,
    /// How far the sweep has come.
    pub status: SweepStatus,
    /// The instant of the request.
    pub requested_at: DateTime<Utc>,
    /// The author of the request.
    pub requested_by: String,
    /// The instant at which an instance first claimed the sweep.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the sweep ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What the sweep found and did, once it has ended.
    pub report: Option<SweepReport>,
    /// The reason for which the sweep ended without a report.
    pub error: Option<String>,
}

/// The report of a sweep, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// The step that compares schedules at EventBridge with those that SQL wants.
    pub schedules: SweptSchedules,
    /// The step that drops day partitions.
    pub partitions: SweptPartitions,
    /// The step that mirrors devices of the legacy registry.
    pub legacy_registry: SweptRegistry,
    /// The step that removes cycles and sweeps past their retention. Sweeps of earlier versions had no such
    /// step.
    #[serde(default)]
    pub old_records: SweptRecords,
}

/// The schedules that a sweep found, and those that it could not repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptSchedules {
    /// The outcome of the step.
    pub outcome: StepOutcome,
    /// The number of active workspaces whose schedule was looked at.
    pub checked: u32,
    /// The number of schedules that were just as wanted.
    pub in_line: u32,
    /// The number of changes that were not applied yet when the sweep came; it applied them.
    pub pending: u32,
    /// The number of schedules that were confirmed once and were not there.
    pub missing: u32,
    /// The number of schedules that were other than confirmed.
    pub changed: u32,
    /// The number of schedules of no active workspace.
    pub orphaned: u32,
    /// The number of names in the group that are none of ours; they are let be.
    pub foreign: u32,
    /// The number of all these that could not be repaired.
    pub not_repaired: u32,
    /// The failure of the step, if it failed.
    pub error: Option<String>,
}

impl SweptSchedules {
    /// Makes a report in which nothing is found yet.
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

/// The partitions of events and of raw messages that a sweep dropped because they were past their retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptPartitions {
    /// The outcome of the step.
    pub outcome: StepOutcome,
    /// The days that are gone with all their events.
    pub dropped: Vec<NaiveDate>,
    /// The days that are gone with all their raw messages and envelopes. Older reports do not have them.
    #[serde(default)]
    pub raw_messages_dropped: Vec<NaiveDate>,
    /// The failure of the step, if it failed.
    pub error: Option<String>,
}

/// The devices that a sweep mirrored from the legacy registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptRegistry {
    /// The outcome of the step.
    pub outcome: StepOutcome,
    /// The number of devices that were brought in line.
    pub mirrored: u32,
    /// The failure of the step, if it failed.
    pub error: Option<String>,
}

/// The records past their retention that a sweep removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptRecords {
    /// The outcome of the step.
    pub outcome: StepOutcome,
    /// The number of cycles, with what their connections gave.
    pub poll_cycles: u64,
    /// The number of sweeps.
    pub sweeps: u64,
    /// The failure of the step, if it failed.
    pub error: Option<String>,
}

impl Default for SweptRecords {
    fn default() -> Self {
        Self {
            outcome: StepOutcome::NotConfigured,
            poll_cycles: 0,
            sweeps: 0,
            error: None,
        }
    }
}

impl SweepReport {
    /// Returns how a sweep with this report ended.
    pub fn status(&self) -> SweepStatus {
        let steps = [
            self.schedules.outcome,
            self.partitions.outcome,
            self.legacy_registry.outcome,
            self.old_records.outcome,
        ];
        let any = |outcome| steps.contains(&outcome);
        match (any(StepOutcome::Failed), any(StepOutcome::Completed)) {
            (false, _) => SweepStatus::Completed,
            (true, true) => SweepStatus::Partial,
            (true, false) => SweepStatus::Failed,
        }
    }
}
