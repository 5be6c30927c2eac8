//! The health of a device: its state, the age and the lag of its data, and the cause.
//!
//! Health is computed at request time from stored facts, the policy and `now`, and never stored. The same
//! facts give the same answer on every instance.

mod cause;
mod evaluate;
mod facts;
mod freshness;
mod issues;
mod reason;
mod silence;
mod state;
mod thresholds;

pub use cause::{ConnectionFacts, LastPoll, LastRejection, PollingFacts, StreamState, root_cause};
pub use evaluate::{DeviceFacts, Health, evaluate};
pub use facts::{ActiveDevice, ConnectionPolling, WorkspaceHealthFacts};
pub use freshness::{FRESH_FOR, Freshness, SignalFreshness, StateCount, signal_freshness};
pub use issues::{Finding, Issue, IssueCode, IssueKey, find_issues};
pub use reason::{Cause, Reason, Responsibility};
pub use silence::WorklistPosition;
pub use state::{HealthState, Severity};
pub(crate) use thresholds::LATENESS_TOLERANCE;
pub use thresholds::{CutOffs, Thresholds};
