//! Timetables: a workspace's slots over time, by its schedule, and until a recorded minute by the schedule
//! before.
//!
//! A changed cadence counts from the first whole minute after the change. Between the last slot of the old
//! schedule and the first of the new one there may be nearly the sum of both intervals. Therefore the old
//! schedule's next slot is kept as a *bridge* where it comes before the new schedule's first: no two
//! successive due times are further apart than the longer interval.

use chrono::{DateTime, TimeDelta, Utc};

use super::schedule::{PollInterval, Schedule, to_minute};

/// An interval, and the minute from which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// The interval.
    pub interval: PollInterval,
    /// The first minute whose slots are of this cadence.
    pub since: DateTime<Utc>,
}

/// The cadence of a workspace, and the one that it replaced. Older cadences are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadences {
    /// The cadence that counts, or will within a minute.
    pub current: Cadence,
    /// The cadence before, unless the current one is the first.
    pub previous: Option<Cadence>,
}

impl Cadences {
    /// Returns the cadences of a workspace that is registered at `now`.
    pub const fn first(interval: PollInterval, now: DateTime<Utc>) -> Self {
        Self {
            current: Cadence {
                interval,
                since: now,
            },
            previous: None,
        }
    }

    /// Returns the cadences after a change that is made at `now`. A change of the thresholds alone changes
    /// nothing here.
    #[must_use]
    pub fn changed(self, interval: PollInterval, now: DateTime<Utc>) -> Self {
        if interval == self.current.interval {
            return self;
        }
        // Instances' clocks differ a little; what counts from when never goes back.
        let since = (to_minute(now) + TimeDelta::minutes(1)).max(self.current.since);
        let previous = if since == self.current.since {
            // Changed twice within a minute: the cadence in between never had a slot.
            self.previous
        } else {
            Some(self.current)
        };
        Self {
            current: Cadence { interval, since },
            previous,
        }
    }
}

/// The slots of one workspace, also around a change of its cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timetable {
    current: Schedule,
    since: DateTime<Utc>,
    previous: Option<Replaced>,
}

/// A schedule whose place another has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Replaced {
    schedule: Schedule,
    since: DateTime<Utc>,
    bridge: Option<DateTime<Utc>>,
}

impl Timetable {
    /// Returns the timetable of the workspace with a registration number.
    pub fn new(cadences: Cadences, registration_number: i64) -> Self {
        let current = Schedule::new(cadences.current.interval, registration_number);
        let since = cadences.current.since;
        let previous = cadences.previous.map(|cadence| {
            let schedule = Schedule::new(cadence.interval, registration_number);
            Replaced {
                schedule,
                since: cadence.since,
                bridge: bridge(schedule, current, since),
            }
        });
        Self {
            current,
            since,
            previous,
        }
    }

    /// Returns the slot that is kept of the replaced schedule.
    pub fn bridge(&self) -> Option<DateTime<Utc>> {
        self.previous.and_then(|previous| previous.bridge)
    }

    /// Returns the schedule that decides whether a minute is a slot, and when the slot is due.
    fn governing(&self, minute: DateTime<Utc>) -> Schedule {
        match self.previous {
            Some(previous) if minute < self.since || previous.bridge == Some(minute) => {
                previous.schedule
            }
            _ => self.current,
        }
    }

    /// Returns whether a minute is a slot.
    pub fn has_slot(&self, minute: DateTime<Utc>) -> bool {
        self.governing(minute).has_slot(minute)
    }

    /// Returns the interval that a minute lies in: the time for which a slot can still be run.
    pub fn interval_at(&self, minute: DateTime<Utc>) -> PollInterval {
        self.governing(minute).interval()
    }

    /// Returns when the cycle of a slot is due.
    pub fn due_at(&self, slot: DateTime<Utc>, trigger_precision: TimeDelta) -> DateTime<Utc> {
        self.governing(slot).due_at(slot, trigger_precision)
    }

    /// Returns every known slot at or after `from`, oldest first and without end; the due times have the same
    /// order. Slots before the replaced cadence began are not known.
    pub fn slots_from(&self, from: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        let Self {
            current,
            since,
            previous,
        } = *self;
        let bridge = self.bridge();
        let replaced = previous.into_iter().flat_map(move |previous| {
            slots_of(previous.schedule, from.max(previous.since))
                .take_while(move |slot| *slot < since)
        });
        replaced
            .chain(bridge.filter(|slot| *slot >= from))
            .chain(slots_of(current, from.max(since)).filter(move |slot| bridge != Some(*slot)))
    }

    /// Returns the first due time after `now`.
    pub fn next_due_at(&self, now: DateTime<Utc>, trigger_precision: TimeDelta) -> DateTime<Utc> {
        // No slot is due later than its precision and a minute after it.
        self.slots_from(now - trigger_precision - TimeDelta::minutes(1))
            .map(|slot| self.due_at(slot, trigger_precision))
            .find(|due| *due > now)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Returns a schedule's slots at or after `from`, without end.
fn slots_of(schedule: Schedule, from: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let first = schedule.slot_at_or_after(from);
    std::iter::successors(Some(first), move |slot| {
        slot.checked_add_signed(schedule.interval().as_delta())
    })
}

/// Returns the replaced schedule's next slot, if it is due before the first slot of the new schedule.
///
/// If both are the same minute, the longer of the two cadences has room for the difference of their seconds:
/// the second of the old schedule counts if that is the longer one.
fn bridge(old: Schedule, new: Schedule, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let next = old.slot_at_or_after(since);
    let first = new.slot_at_or_after(since);
    let earlier = old.due_at(next, TimeDelta::zero()) < new.due_at(first, TimeDelta::zero());
    (earlier && (next < first || old.interval() > new.interval())).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    const PRECISION: TimeDelta = TimeDelta::seconds(60);

    fn midnight() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0)
            .single()
            .expect("a time")
    }

    fn at(minute: i64) -> DateTime<Utc> {
        midnight() + TimeDelta::minutes(minute)
    }

    fn every(minutes: i64) -> PollInterval {
        PollInterval::try_new(minutes).expect("an allowed interval")
    }

    fn slots(timetable: &Timetable, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        timetable
            .slots_from(midnight())
            .take_while(|slot| *slot < until)
            .collect()
    }

    #[test]
    fn a_first_cadence_has_no_slots_before_it() {
        let timetable = Timetable::new(Cadences::first(every(5), at(3)), 0);
        assert_eq!(slots(&timetable, at(15)), [at(5), at(10)]);
        assert_eq!(timetable.bridge(), None);
    }

    #[test]
    fn a_change_counts_from_the_next_minute_and_the_old_schedules_next_slot_bridges_it() {
        let change = at(11) + TimeDelta::seconds(30);
        let cadences = Cadences::first(every(5), midnight()).changed(every(20), change);
        assert_eq!(
            cadences.current,
            Cadence {
                interval: every(20),
                since: at(12)
            }
        );
        let timetable = Timetable::new(cadences, 0);
        assert_eq!(timetable.bridge(), Some(at(15)));
        assert_eq!(
            slots(&timetable, at(61)),
            [0, 5, 10, 15, 20, 40, 60].map(at)
        );
        for (minute, is_slot) in [(5, true), (15, true), (20, true), (25, false), (45, false)] {
            assert_eq!(timetable.has_slot(at(minute)), is_slot, "{minute}");
        }
        assert_eq!(timetable.interval_at(at(5)), every(5));
        assert_eq!(timetable.interval_at(at(15)), every(5));
        assert_eq!(timetable.interval_at(at(20)), every(20));
    }

    #[test]
    fn a_shorter_cadence_that_starts_at_once_needs_no_bridge() {
        let cadences = Cadences::first(every(60), midnight()).changed(every(5), at(11));
        let timetable = Timetable::new(cadences, 0);
        assert_eq!(timetable.bridge(), None);
        assert_eq!(slots(&timetable, at(26)), [0, 15, 20, 25].map(at));
    }

    #[test]
    fn what_changes_nothing_or_lasts_no_minute_is_not_remembered() {
        let first = Cadences::first(every(5), midnight());
        assert_eq!(first.changed(every(5), at(7)), first);
        let once = first.changed(every(10), at(7));
        let twice = once.changed(every(20), at(7) + TimeDelta::seconds(20));
        assert_eq!(twice.previous, Some(first.current));
        assert_eq!(twice.current.since, once.current.since);
        let later = twice.changed(every(5), at(9));
        assert_eq!(later.previous, Some(twice.current));
    }

    fn cadence() -> impl Strategy<Value = i64> {
        prop::sample::select(PollInterval::ALLOWED.map(i64::from).to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn no_gap_exceeds_the_longer_interval(
            old in cadence(), new in cadence(), number in 0_i64..1_000_000, changed_at in 7_200_i64..14_400,
        ) {
            let change = midnight() + TimeDelta::seconds(changed_at);
            let cadences = Cadences::first(every(old), midnight()).changed(every(new), change);
            let timetable = Timetable::new(cadences, number);
            let slots = slots(&timetable, at(24 * 60));
            let due: Vec<_> = slots.iter().map(|slot| timetable.due_at(*slot, PRECISION)).collect();
            let longer = TimeDelta::minutes(old.max(new));
            for pair in due.windows(2) {
                prop_assert!(pair[0] < pair[1] && pair[1] - pair[0] <= longer, "{:?}", pair);
            }
            prop_assert!(slots.iter().all(|slot| timetable.has_slot(*slot)));
            let known = (0..24 * 60).map(at).filter(|minute| timetable.has_slot(*minute)).count();
            prop_assert_eq!(known, slots.len());
            let now = midnight() + TimeDelta::seconds(changed_at);
            let next = due.iter().copied().find(|due| *due > now);
            prop_assert_eq!(Some(timetable.next_due_at(now, PRECISION)), next);
        }

        #[test]
        fn no_gap_exceeds_the_longest_interval_by_a_minute_however_often_the_cadence_changes(
            cadences in prop::collection::vec((cadence(), 1_i64..7_200), 2..6), number in 0_i64..1_000_000,
        ) {
            let mut now = midnight();
            let mut held = Cadences::first(every(cadences[0].0), now);
            let mut due = std::collections::BTreeSet::new();
            let mut seen_until = now;
            for (minutes, after) in &cadences[1..] {
                now += TimeDelta::seconds(*after);
                let before = Timetable::new(held, number);
                held = held.changed(every(*minutes), now);
                let timetable = Timetable::new(held, number);
                // What was triggered before the change, and the bridge, which the change itself records.
                let until = held.current.since;
                due.extend(before.slots_from(seen_until).take_while(|slot| *slot < until).map(|slot| before.due_at(slot, PRECISION)));
                due.extend(timetable.bridge().map(|slot| timetable.due_at(slot, PRECISION)));
                seen_until = until;
            }
            let last = Timetable::new(held, number);
            due.extend(last.slots_from(seen_until).take(5).map(|slot| last.due_at(slot, PRECISION)));
            let due: Vec<_> = due.into_iter().collect();
            let longest = cadences.iter().map(|(minutes, _)| *minutes).max().unwrap_or(0);
            for pair in due.windows(2) {
                prop_assert!(pair[1] - pair[0] < TimeDelta::minutes(longest + 1), "{:?}", pair);
            }
        }
    }
}
