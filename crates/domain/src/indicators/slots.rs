//! How the slots of a timetable ended.

use std::ops::AddAssign;

use super::{hundredths_of, percent_of};
use crate::polling::CycleStatus;
use crate::vocabulary::words;

words!(
    /// What became of a scheduled minute, once that is settled; exactly one for each.
    SlotOutcome {
        /// Its cycle ran and every connection answered.
        Completed = "completed",
        /// Its cycle ran and some connections failed.
        Partial = "partial",
        /// Its cycle ran and no connection answered.
        Failed = "failed",
        /// Nothing triggered it, whether or not a recovery made up for it.
        Missed = "missed",
        /// It was not core's to poll.
        Skipped = "skipped",
        /// Its trigger came too late, or a newer slot was due before it ran.
        Expired = "expired",
        /// Three instances lost their lease on it.
        Abandoned = "abandoned",
    }
);

impl SlotOutcome {
    /// Of a slot whose cycle stands so; `None` while that can change.
    pub const fn of(status: CycleStatus, missed: bool) -> Option<Self> {
        if missed {
            return Some(Self::Missed);
        }
        match status {
            CycleStatus::Queued | CycleStatus::Running => None,
            CycleStatus::Completed => Some(Self::Completed),
            CycleStatus::Partial => Some(Self::Partial),
            CycleStatus::Failed => Some(Self::Failed),
            CycleStatus::Missed => Some(Self::Missed),
            CycleStatus::Skipped => Some(Self::Skipped),
            CycleStatus::Expired => Some(Self::Expired),
            CycleStatus::Abandoned => Some(Self::Abandoned),
        }
    }
}

/// How many slots ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCounts {
    by_outcome: [u32; SlotOutcome::ALL.len()],
    /// Slots whose cycle waits or runs.
    pub open: u32,
}

impl SlotCounts {
    /// Counts one more slot; without an outcome it is open.
    pub fn count(&mut self, outcome: Option<SlotOutcome>) {
        match outcome {
            Some(outcome) => self.add(outcome, 1),
            None => self.open += 1,
        }
    }

    /// Counts some more that ended so.
    pub fn add(&mut self, outcome: SlotOutcome, slots: u32) {
        self.by_outcome[outcome as usize] += slots;
    }

    /// How many ended so.
    pub fn of(&self, outcome: SlotOutcome) -> u32 {
        self.by_outcome[outcome as usize]
    }

    /// All of them.
    pub fn scheduled(&self) -> u32 {
        self.by_outcome.iter().sum::<u32>() + self.open
    }

    /// Those that core was to poll and that have ended.
    pub fn judged(&self) -> u32 {
        self.scheduled() - self.open - self.of(SlotOutcome::Skipped)
    }

    /// The share of completed ones of those that are judged, in percent; `None` where there is none.
    pub fn success_percent(&self) -> Option<f64> {
        percent_of(self.of(SlotOutcome::Completed).into(), self.judged().into())
    }

    /// The same in hundredths of a percent.
    pub fn success_hundredths(&self) -> Option<u32> {
        hundredths_of(self.of(SlotOutcome::Completed).into(), self.judged().into())
    }
}

impl AddAssign for SlotCounts {
    fn add_assign(&mut self, other: Self) {
        for outcome in SlotOutcome::ALL {
            self.add(*outcome, other.of(*outcome));
        }
        self.open += other.open;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_missed_whatever_its_recovery_came_to_and_open_until_its_cycle_ends() {
        for status in CycleStatus::ALL {
            assert_eq!(SlotOutcome::of(*status, true), Some(SlotOutcome::Missed));
            let outcome = SlotOutcome::of(*status, false);
            assert_eq!(outcome.is_some(), status.is_terminal(), "{status}");
            assert!(outcome.is_none_or(|outcome| outcome.as_str() == status.as_str()));
        }
    }

    #[test]
    fn success_is_of_what_core_was_to_poll_and_has_ended() {
        let mut counts = SlotCounts::default();
        assert_eq!(counts.success_percent(), None);
        counts.count(None);
        counts.count(Some(SlotOutcome::Skipped));
        assert_eq!((counts.scheduled(), counts.success_percent()), (2, None));
        counts.add(SlotOutcome::Completed, 2_009);
        for (outcome, slots) in [
            (SlotOutcome::Partial, 3),
            (SlotOutcome::Failed, 1),
            (SlotOutcome::Missed, 1),
            (SlotOutcome::Expired, 1),
            (SlotOutcome::Abandoned, 1),
        ] {
            counts.add(outcome, slots);
        }
        assert_eq!((counts.scheduled(), counts.judged()), (2_018, 2_016));
        assert_eq!(counts.success_percent(), Some(99.65));
    }
}
