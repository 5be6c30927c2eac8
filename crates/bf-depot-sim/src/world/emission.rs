//! The times at which a vehicle reports: every ten seconds while driving, once more when it has stopped,
//! and every minute in any case.
//!
//! The seconds are those of the wall clock at any speed, so that a parked vehicle has a new time every minute.

use chrono::{DateTime, Utc};

const TICK_US: i64 = 10_000_000;
const TICKS_PER_MINUTE: i64 = 6;

/// The instants at which a vehicle can report: ten seconds apart, with an offset of the vehicle's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    pub(super) phase_us: i64,
}

impl Ticks {
    /// Returns the last report at or before `at`; `driving` says whether the vehicle drove at an instant.
    pub(super) fn last_report(
        self,
        at: DateTime<Utc>,
        driving: impl Fn(DateTime<Utc>) -> bool,
    ) -> DateTime<Utc> {
        let latest = self.tick_before(at);
        let minute = latest - latest.rem_euclid(TICKS_PER_MINUTE);
        let drives = |tick| driving(self.instant(tick, at));
        let last = (minute + 1..=latest)
            .rev()
            .find(|tick| drives(*tick) || drives(*tick - 1));
        self.instant(last.unwrap_or(minute), at)
    }

    /// Returns the last report at or before `at` that comes whether the vehicle drives or not.
    pub(super) fn last_minute(self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.last_report(at, |_| false)
    }

    fn tick_before(self, at: DateTime<Utc>) -> i64 {
        (at.timestamp_micros() - self.phase_us).div_euclid(TICK_US)
    }

    fn instant(self, tick: i64, fallback: DateTime<Utc>) -> DateTime<Utc> {
        // The instant is out of range only within a minute of the first instant that chrono knows.
        DateTime::from_timestamp_micros(tick * TICK_US + self.phase_us).unwrap_or(fallback)
    }
}
