//! Schedules: the cadence, the offset and the slots of a workspace.
//!
//! A workspace's offset within its interval follows from its registration number by the golden-ratio
//! sequence. Without coordination, and at any number of workspaces, starts are so spread evenly.

use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};

/// The interval at which a workspace is polled, in whole minutes that divide an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PollInterval(u32);

impl PollInterval {
    /// The service level of the specification (D-001).
    pub const DEFAULT: Self = Self(5);
    /// The numbers of minutes that schedules can express.
    pub const ALLOWED: [u32; 12] = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60];

    /// Returns the interval of a number of minutes, if schedules can express it.
    pub fn try_new(minutes: i64) -> Option<Self> {
        u32::try_from(minutes)
            .ok()
            .filter(|minutes| Self::ALLOWED.contains(minutes))
            .map(Self)
    }

    /// Returns the interval in minutes.
    pub const fn minutes(self) -> u32 {
        self.0
    }

    /// Returns the interval in seconds.
    pub const fn seconds(self) -> u32 {
        self.0 * 60
    }

    /// Returns the interval as a span of time.
    pub fn as_delta(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.0))
    }
}

/// The slots of one workspace: the minutes that trigger its cycles, and the second at which they are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: PollInterval,
    offset_seconds: u32,
}

/// The fractional part of the golden ratio, in units of 2^-64.
const GOLDEN_FRACTION: u64 = 0x9E37_79B9_7F4A_7C15;

impl Schedule {
    /// Returns the schedule of the workspace with a registration number.
    pub fn new(interval: PollInterval, registration_number: i64) -> Self {
        // Wrapping multiplication in 64-bit fixed point is exact: the fraction never loses precision,
        // however many workspaces there are.
        let fraction = GOLDEN_FRACTION.wrapping_mul(registration_number.cast_unsigned());
        let scaled = (u128::from(fraction) * u128::from(interval.seconds())) >> 64;
        let offset_seconds = u32::try_from(scaled).unwrap_or(0);
        Self {
            interval,
            offset_seconds,
        }
    }

    /// Returns the interval between two slots.
    pub const fn interval(self) -> PollInterval {
        self.interval
    }

    /// Returns the offset within the interval, in seconds: below the interval.
    pub const fn offset_seconds(self) -> u32 {
        self.offset_seconds
    }

    /// Returns the minute of the interval that triggers the workspace.
    pub const fn minute_bucket(self) -> u32 {
        self.offset_seconds / 60
    }

    /// Returns the schedule as a cron expression of EventBridge Scheduler, in UTC.
    pub fn expression(self) -> String {
        let bucket = self.minute_bucket();
        match self.interval.minutes() {
            60 => format!("cron({bucket} * * * ? *)"),
            1 => "cron(* * * * ? *)".to_owned(),
            minutes => format!("cron({bucket}/{minutes} * * * ? *)"),
        }
    }

    /// Returns whether a minute is a slot of the schedule.
    pub fn has_slot(self, minute: DateTime<Utc>) -> bool {
        minute.minute() % self.interval.minutes() == self.minute_bucket()
    }

    /// Returns when the cycle of a slot is due. The trigger's imprecision is waited out; then the second of
    /// the offset makes the period exact.
    pub fn due_at(self, slot: DateTime<Utc>, trigger_precision: TimeDelta) -> DateTime<Utc> {
        slot + trigger_precision + TimeDelta::seconds(i64::from(self.offset_seconds % 60))
    }

    /// Returns the first slot at or after `instant`.
    pub fn slot_at_or_after(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let minute = to_minute(instant);
        let minute = if minute < instant {
            minute + TimeDelta::minutes(1)
        } else {
            minute
        };
        let interval = self.interval.minutes();
        let wait = (self.minute_bucket() + interval - minute.minute() % interval) % interval;
        minute + TimeDelta::minutes(i64::from(wait))
    }

    /// Returns the first due time after `now`.
    pub fn next_due_at(self, now: DateTime<Utc>, trigger_precision: TimeDelta) -> DateTime<Utc> {
        let lead = self.due_at(now, trigger_precision) - now;
        let slot = self.slot_at_or_after(now - lead);
        let due = self.due_at(slot, trigger_precision);
        if due > now {
            due
        } else {
            due + self.interval.as_delta()
        }
    }
}

/// Returns the minute that an instant lies in: the key of a slot.
pub(super) fn to_minute(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant
        .duration_trunc(TimeDelta::minutes(1))
        .unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn interval(minutes: i64) -> PollInterval {
        PollInterval::try_new(minutes).expect("an allowed interval")
    }

    fn at(hour: u32, minute: u32, second: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, hour, minute, second)
            .single()
            .expect("a time")
    }

    #[test]
    fn starts_are_spread_evenly_at_any_number_of_workspaces() {
        for workspaces in [5_u32, 37, 300, 2_000, 10_000] {
            let mut buckets = [0_u32; 30];
            for number in 1..=workspaces {
                let offset = Schedule::new(PollInterval::DEFAULT, number.into()).offset_seconds();
                buckets[usize::try_from(offset / 10).expect("below 30")] += 1;
            }
            let mean = f64::from(workspaces) / 30.0;
            let worst = f64::from(*buckets.iter().max().expect("buckets"));
            assert!(
                worst <= (mean * 1.3).max(mean + 2.0),
                "{workspaces}: {worst} against {mean}"
            );
        }
    }

    #[test]
    fn an_expression_names_the_bucket_and_the_interval() {
        let schedule = Schedule::new(PollInterval::DEFAULT, 3);
        assert_eq!(
            schedule.expression(),
            format!("cron({}/5 * * * ? *)", schedule.minute_bucket())
        );
        assert_eq!(
            Schedule::new(interval(1), 3).expression(),
            "cron(* * * * ? *)"
        );
        assert_eq!(
            Schedule::new(interval(60), 0).expression(),
            "cron(0 * * * ? *)"
        );
    }

    #[test]
    fn a_due_time_is_the_slot_plus_the_precision_plus_the_second() {
        let schedule = Schedule {
            interval: PollInterval::DEFAULT,
            offset_seconds: 137,
        };
        assert!(schedule.has_slot(at(8, 2, 0)) && schedule.has_slot(at(8, 57, 0)));
        assert!(!schedule.has_slot(at(8, 3, 0)));
        assert_eq!(
            schedule.due_at(at(8, 2, 0), TimeDelta::seconds(60)),
            at(8, 3, 17)
        );
        assert_eq!(schedule.slot_at_or_after(at(8, 2, 1)), at(8, 7, 0));
        assert_eq!(
            schedule.next_due_at(at(8, 3, 16), TimeDelta::seconds(60)),
            at(8, 3, 17)
        );
        assert_eq!(
            schedule.next_due_at(at(8, 3, 17), TimeDelta::seconds(60)),
            at(8, 8, 17)
        );
    }

    proptest! {
        #[test]
        fn due_times_are_exactly_periodic(number in 1_i64..1_000_000, minutes in prop::sample::select(PollInterval::ALLOWED.to_vec()), second in 0_i64..100_000, precision in prop::sample::select(vec![0_i64, 60])) {
            let schedule = Schedule::new(interval(i64::from(minutes)), number);
            let precision = TimeDelta::seconds(precision);
            let now = at(0, 0, 0) + TimeDelta::seconds(second);
            let due = schedule.next_due_at(now, precision);
            prop_assert!(due > now && due - now <= schedule.interval().as_delta());
            prop_assert_eq!(schedule.next_due_at(due, precision) - due, schedule.interval().as_delta());
            let slot = due - schedule.due_at(due, precision).signed_duration_since(due);
            prop_assert!(schedule.has_slot(slot));
        }
    }
}
