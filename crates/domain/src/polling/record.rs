//! Poll cycles as they are recorded.

use chrono::{DateTime, Utc};

use super::{ConnectionReport, CycleTrigger, StreamReport};
use crate::ids::CycleId;

/// A recorded poll cycle with what its connections and streams gave.
#[derive(Clone, Debug)]
pub struct PollCycle {
    /// The cycle's id.
    pub cycle_id: CycleId,
    /// What set the cycle off.
    pub trigger: CycleTrigger,
    /// How far the cycle has come, as a word of [`CycleStatus`](super::CycleStatus).
    pub status: String,
    /// The slot, unless the cycle is manual.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The instant from which the cycle may run.
    pub due_at: DateTime<Utc>,
    /// The instant at which the trigger was recorded.
    pub triggered_at: DateTime<Utc>,
    /// The instant at which an instance first claimed the cycle.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the cycle ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The reason for which the cycle was refused, expired or abandoned.
    pub reason: Option<String>,
    /// The W3C trace id of the trigger.
    pub trace_id: Option<String>,
    /// The instant at which the slot was found to have had no trigger; a recovery cycle has it too.
    pub missed_at: Option<DateTime<Utc>>,
    /// The polls of the cycle's connections, in order of connection id.
    pub polls: Vec<RecordedPoll>,
    /// What streams brought since the cycle before, in order of connection id.
    pub streams: Vec<StreamReport>,
    /// The instants at which instances claimed the cycle: one, and one more after each lost lease.
    pub claimed_at: Vec<DateTime<Utc>>,
}

/// What one connection gave in a cycle, and when its poll ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPoll {
    /// What the connection gave.
    pub report: ConnectionReport,
    /// The instant at which the report was recorded.
    pub ended_at: DateTime<Utc>,
}

/// The newest cycle of a workspace, whatever became of it.
#[derive(Clone, Debug)]
pub struct LatestCycle {
    /// The cycle's id.
    pub cycle_id: CycleId,
    /// What set the cycle off.
    pub trigger: CycleTrigger,
    /// How far the cycle has come, as a word of [`CycleStatus`](super::CycleStatus).
    pub status: String,
    /// The slot, unless the cycle is manual.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The instant at which an instance first claimed the cycle.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the cycle ended.
    pub ended_at: Option<DateTime<Utc>>,
}
