//! When providers are asked: cadences, staggered offsets, slots, and what becomes of a trigger.

mod circuit;
mod cycle;
mod feed;
mod missed;
mod record;
mod schedule;
mod timeline;
mod timetable;
mod trigger;

pub use circuit::{AskedPoll, Breaker, Circuit};
pub use cycle::{
    ConnectionOutcome, ConnectionReport, CycleStatus, CycleTrigger, ErrorClass, PollError,
    StreamReport,
};
pub use feed::{Feed, FeedCursor, HeldCursor, InvalidCursor};
pub use missed::{LOOK_BACK, RecordedSlot, TRIGGER_PATIENCE, missed_slots, slot_to_recover};
pub use record::{LatestCycle, PollCycle, RecordedPoll};
pub use schedule::{PollInterval, Schedule};
pub use timeline::CycleMoment;
pub use timetable::{Cadence, Cadences, Timetable};
pub use trigger::{SkipReason, TriggerDecision, TriggerFacts, decide_trigger, slot_key};
