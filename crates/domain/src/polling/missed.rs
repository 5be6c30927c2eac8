//! Missed slots: those that no trigger came for, and the one that is made up for.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::Timetable;

/// The time after its due time for which a slot's trigger is waited for.
pub const TRIGGER_PATIENCE: TimeDelta = TimeDelta::seconds(15);

/// The span in which missed slots are looked for: after a longer outage the slots before it have no record. A
/// day of the default cadence is 288 rows for a workspace, of the shortest cadence 1,440.
pub const LOOK_BACK: TimeDelta = TimeDelta::hours(24);

/// A slot that has its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedSlot {
    /// The slot's minute.
    pub slot: DateTime<Utc>,
    /// Whether the slot's cycle is due by now and takes the place of older slots:
    /// [`super::CycleStatus::supersedes_older_slots`].
    pub supersedes: bool,
}

/// Returns the slots at or after `from` whose triggers are overdue at `now`, oldest first.
///
/// `polled_since` is when core began to poll the workspace: an earlier slot was nobody's to trigger.
pub fn missed_slots(
    timetable: &Timetable,
    polled_since: DateTime<Utc>,
    trigger_precision: TimeDelta,
    recorded: &BTreeSet<DateTime<Utc>>,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let from = from.max(polled_since).max(now - LOOK_BACK);
    timetable
        .slots_from(from)
        .take_while(|slot| timetable.due_at(*slot, trigger_precision) + TRIGGER_PATIENCE <= now)
        .filter(|slot| !recorded.contains(slot))
        .collect()
}

/// Returns the newest of missed slots, unless the cycle of a newer slot already takes its place.
pub fn slot_to_recover(
    missed: &[DateTime<Utc>],
    recorded: &[RecordedSlot],
) -> Option<DateTime<Utc>> {
    let newest = missed.iter().copied().max()?;
    let superseded = recorded
        .iter()
        .any(|record| record.supersedes && record.slot > newest);
    (!superseded).then_some(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polling::{Cadences, PollInterval};
    use chrono::TimeZone;

    const PRECISION: TimeDelta = TimeDelta::seconds(60);

    fn at(minute: i64) -> DateTime<Utc> {
        let midnight = Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0).single();
        midnight.expect("a time") + TimeDelta::minutes(minute)
    }

    /// Slots at minutes that divide by five, each due a minute later.
    fn timetable() -> Timetable {
        Timetable::new(Cadences::first(PollInterval::DEFAULT, at(-10_000)), 0)
    }

    fn missed(
        polled_since: DateTime<Utc>,
        recorded: &[i64],
        from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Vec<DateTime<Utc>> {
        let recorded = recorded.iter().copied().map(at).collect();
        missed_slots(&timetable(), polled_since, PRECISION, &recorded, from, now)
    }

    #[test]
    fn a_slot_is_missed_fifteen_seconds_after_it_was_due_and_not_before() {
        let last_moment = at(6) + TRIGGER_PATIENCE;
        let just_before = last_moment - TimeDelta::microseconds(1);
        assert!(missed(at(0), &[0], at(0), just_before).is_empty());
        assert_eq!(missed(at(0), &[0], at(0), last_moment), [at(5)]);
        assert!(missed(at(0), &[0, 5], at(0), last_moment).is_empty());
    }

    #[test]
    fn gaps_between_recorded_slots_are_missed_too() {
        assert_eq!(missed(at(0), &[0, 10, 20], at(0), at(24)), [at(5), at(15)]);
        assert_eq!(missed(at(0), &[0, 10, 20], at(8), at(24)), [at(15)]);
    }

    #[test]
    fn a_slot_before_core_began_to_poll_is_never_missed() {
        let since = at(5) + TimeDelta::microseconds(1);
        assert_eq!(missed(since, &[], at(-600), at(12)), [at(10)]);
        assert_eq!(missed(at(5), &[], at(-600), at(12)), [at(5), at(10)]);
    }

    #[test]
    fn after_a_long_outage_no_more_than_a_day_is_looked_back() {
        let found = missed(at(-10_000), &[], at(-10_000), at(4));
        assert_eq!(found.len(), 288);
        assert_eq!(found.first(), Some(&at(-1_435)));
    }

    #[test]
    fn around_a_change_each_slot_is_judged_by_its_own_cadence() {
        let hourly = PollInterval::try_new(60).expect("an interval");
        let cadences = Cadences::first(PollInterval::DEFAULT, at(0)).changed(hourly, at(11));
        let timetable = Timetable::new(cadences, 0);
        let none = BTreeSet::new();
        let found = missed_slots(&timetable, at(0), PRECISION, &none, at(0), at(70));
        assert_eq!(found, [0, 5, 10, 15, 60].map(at), "15 bridges");
    }

    #[test]
    fn the_newest_is_made_up_for_unless_a_newer_slot_is_already_due() {
        let record = |minute, supersedes| RecordedSlot {
            slot: at(minute),
            supersedes,
        };
        for (recorded, expected) in [
            (vec![], Some(at(10))),
            (vec![record(0, true)], Some(at(10))),
            (vec![record(15, false)], Some(at(10))),
            (vec![record(15, true)], None),
        ] {
            let chosen = slot_to_recover(&[at(5), at(10)], &recorded);
            assert_eq!(chosen, expected, "{recorded:?}");
        }
        assert_eq!(slot_to_recover(&[], &[]), None);
    }
}
