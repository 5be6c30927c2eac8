//! Triggers: the decision what becomes of each.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Timetable, schedule::to_minute};
use crate::fleet::PollOwner;
use crate::vocabulary::words;

/// The time beyond an interval for which a slot can still be run: EventBridge fires anywhere within a minute.
const SLACK: TimeDelta = TimeDelta::seconds(60);

words!(
    /// The reason why a trigger ran nothing, or why a cycle did not end by itself; an open vocabulary.
    SkipReason {
        /// The workspace is inactive.
        Inactive = "inactive",
        /// The legacy service polls this workspace.
        NotOwner = "not_owner",
        /// The minute is not one of the workspace's slots.
        NotInSchedule = "not_in_schedule",
        /// The trigger came after its slot's time was over.
        TooLate = "too_late",
        /// A newer slot of the workspace was already due.
        Superseded = "superseded",
        /// The last of the leases that a cycle may lose was lost.
        LeaseLost = "lease_lost",
        /// Nothing had triggered the slot 15 s after it was due.
        NoTrigger = "no_trigger",
    }
);

/// The facts that a trigger is judged by, at the instant of its arrival.
#[derive(Clone, Copy, Debug)]
pub struct TriggerFacts {
    /// Whether the workspace is active.
    pub active: bool,
    /// The service that polls the workspace.
    pub poll_owner: PollOwner,
    /// The slots of the workspace.
    pub timetable: Timetable,
    /// The imprecision of triggers: 60 s for EventBridge, 0 in `dev`.
    pub precision: TimeDelta,
}

/// The record that a trigger becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerDecision {
    /// The cycle is to be run.
    Queued {
        /// The instant at which the cycle is due.
        due_at: DateTime<Utc>,
    },
    /// The cycle is recorded and will never run.
    Skipped(SkipReason),
    /// The cycle is recorded, and came too late to run.
    Expired(SkipReason),
}

/// Returns the minute that keys a trigger's slot: the same slot is run once, however often it is triggered.
pub fn slot_key(scheduled_time: DateTime<Utc>) -> DateTime<Utc> {
    to_minute(scheduled_time)
}

/// Judges a trigger that is not a duplicate: ownership first, then lateness, then the schedule.
///
/// `slot` is the scheduled minute; `None` asks for a cycle now, which takes no slot's place.
pub fn decide_trigger(
    facts: TriggerFacts,
    slot: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> TriggerDecision {
    if !facts.active {
        return TriggerDecision::Skipped(SkipReason::Inactive);
    }
    if !facts.poll_owner.core_polls() {
        return TriggerDecision::Skipped(SkipReason::NotOwner);
    }
    let Some(slot) = slot else {
        return TriggerDecision::Queued { due_at: now };
    };
    let timetable = facts.timetable;
    if now > slot + timetable.interval_at(slot).as_delta() + SLACK {
        TriggerDecision::Expired(SkipReason::TooLate)
    } else if timetable.has_slot(slot) {
        TriggerDecision::Queued {
            due_at: timetable.due_at(slot, facts.precision),
        }
    } else {
        TriggerDecision::Skipped(SkipReason::NotInSchedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polling::{Cadences, PollInterval};
    use chrono::TimeZone;

    #[test]
    fn each_row_of_the_table_in_its_order() {
        let slot = Utc
            .with_ymd_and_hms(2026, 11, 23, 8, 5, 0)
            .single()
            .expect("a time");
        let registered_at = slot - TimeDelta::days(1);
        let timetable = Timetable::new(Cadences::first(PollInterval::DEFAULT, registered_at), 0);
        let sound = TriggerFacts {
            active: true,
            poll_owner: PollOwner::Core,
            timetable,
            precision: TimeDelta::seconds(60),
        };
        let last = slot + TimeDelta::seconds(360);
        let late = last + TimeDelta::microseconds(1);
        let off = slot + TimeDelta::minutes(1);
        let queued = TriggerDecision::Queued {
            due_at: slot + TimeDelta::seconds(60),
        };
        for (name, facts, slot, now, expected) in [
            ("due", sound, Some(slot), slot, queued),
            (
                "shadow",
                TriggerFacts {
                    poll_owner: PollOwner::BothShadow,
                    ..sound
                },
                Some(slot),
                slot,
                queued,
            ),
            ("at the last instant", sound, Some(slot), last, queued),
            (
                "too late",
                sound,
                Some(slot),
                late,
                TriggerDecision::Expired(SkipReason::TooLate),
            ),
            (
                "not a slot",
                sound,
                Some(off),
                off,
                TriggerDecision::Skipped(SkipReason::NotInSchedule),
            ),
            (
                "late outside of the schedule",
                sound,
                Some(off),
                late + TimeDelta::minutes(1),
                TriggerDecision::Expired(SkipReason::TooLate),
            ),
            (
                "legacy polls",
                TriggerFacts {
                    poll_owner: PollOwner::Legacy,
                    ..sound
                },
                Some(slot),
                late,
                TriggerDecision::Skipped(SkipReason::NotOwner),
            ),
            (
                "inactive",
                TriggerFacts {
                    active: false,
                    poll_owner: PollOwner::Legacy,
                    ..sound
                },
                Some(slot),
                late,
                TriggerDecision::Skipped(SkipReason::Inactive),
            ),
            (
                "manual",
                sound,
                None,
                late,
                TriggerDecision::Queued { due_at: late },
            ),
            (
                "manual, legacy polls",
                TriggerFacts {
                    poll_owner: PollOwner::Legacy,
                    ..sound
                },
                None,
                slot,
                TriggerDecision::Skipped(SkipReason::NotOwner),
            ),
        ] {
            assert_eq!(decide_trigger(facts, slot, now), expected, "{name}");
        }
    }
}
