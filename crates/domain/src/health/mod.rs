//! What a reader is told of a device: its state, how old and how late its data is, and why.
//!
//! Computed at request time from stored facts, the policy and `now`, and never stored. The same facts
//! give the same answer on every instance.

mod cause;
mod evaluate;
mod freshness;
mod silence;
mod state;

pub use cause::{LastPoll, PollingFacts, Reason, Responsibility, root_cause};
pub use evaluate::{DeviceFacts, Health, evaluate};
pub use freshness::{Freshness, SignalFreshness, signal_freshness};
pub use silence::{CutOffs, SilencePlace, Thresholds};
pub use state::{HealthState, Severity};
