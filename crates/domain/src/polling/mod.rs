//! When providers are asked: cadences, staggered offsets, slots, and what becomes of a trigger.

mod cycle;
mod schedule;
mod timetable;
mod trigger;

pub use cycle::{ConnectionOutcome, ConnectionReport, CycleStatus, ErrorClass, PollError, Trigger};
pub use schedule::{PollInterval, Schedule};
pub use timetable::{Cadence, Cadences, Timetable};
pub use trigger::{SkipReason, TriggerDecision, TriggerFacts, decide_trigger, slot_key};
