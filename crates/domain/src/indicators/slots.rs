//! Outcomes of a timetable's slots, and their counts.

use std::ops::AddAssign;

use super::{hundredths_of, percent_of};
use crate::polling::CycleStatus;
use crate::vocabulary::words;

words!(
    /// The outcome of a scheduled minute, once that is settled; exactly one for each.
    SlotOutcome {
        /// The slot's cycle ran and every connection answered.
        Completed = "completed",
        /// The slot's cycle ran and some connections failed.
        Partial = "partial",
        /// The slot's cycle ran and no connection answered.
        Failed = "failed",
        /// Nothing triggered the slot, whether or not a recovery made up for it.
        Missed = "missed",
        /// The slot was not core's to poll.
        Skipped = "skipped",
        /// The slot's trigger came too late, or a newer slot was due before it ran.
        Expired = "expired",
        /// Three instances lost their lease on the slot's cycle.
        Abandoned = "abandoned",
    }
);

impl SlotOutcome {
    /// Returns the outcome of a slot by the status of its cycle; `None` while that can change.
    pub const fn of_cycle(status: CycleStatus, missed: bool) -> Option<Self> {
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

/// The numbers of slots by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCounts {
    by_outcome: [u32; SlotOutcome::ALL.len()],
    /// The number of slots whose cycle waits or runs.
    pub open: u32,
}

impl SlotCounts {
    /// Counts one slot; without an outcome it is open.
    pub fn count(&mut self, outcome: Option<SlotOutcome>) {
        match outcome {
            Some(outcome) => self.add(outcome, 1),
            None => self.open += 1,
        }
    }

    /// Counts slots with an outcome.
    pub fn add(&mut self, outcome: SlotOutcome, slots: u32) {
        self.by_outcome[outcome as usize] += slots;
    }

    /// Returns the number of slots with an outcome.
    pub fn count_of(&self, outcome: SlotOutcome) -> u32 {
        self.by_outcome[outcome as usize]
    }

    /// Returns the number of all slots.
    pub fn scheduled(&self) -> u32 {
        self.by_outcome.iter().sum::<u32>() + self.open
    }

    /// Returns the number of slots that core was to poll and that have ended.
    pub fn judged(&self) -> u32 {
        self.scheduled() - self.open - self.count_of(SlotOutcome::Skipped)
    }

    /// Returns the share of completed slots among the judged ones, in percent; `None` if there is none.
    pub fn success_percent(&self) -> Option<f64> {
        percent_of(
            self.count_of(SlotOutcome::Completed).into(),
            self.judged().into(),
        )
    }

    /// Returns the share of completed slots among the judged ones, in hundredths of a percent.
    pub fn success_hundredths(&self) -> Option<u32> {
        hundredths_of(
            self.count_of(SlotOutcome::Completed).into(),
            self.judged().into(),
        )
    }
}

impl AddAssign for SlotCounts {
    fn add_assign(&mut self, other: Self) {
        for outcome in SlotOutcome::ALL {
            self.add(*outcome, other.count_of(*outcome));
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
            assert_eq!(
                SlotOutcome::of_cycle(*status, true),
                Some(SlotOutcome::Missed)
            );
            let outcome = SlotOutcome::of_cycle(*status, false);
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
