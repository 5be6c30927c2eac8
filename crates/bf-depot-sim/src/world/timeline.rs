//! Virtual time: the wall clock, sped up from the simulator's start.

use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};

/// How many virtual seconds pass in one second of the wall clock: 0.001 to 100,000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Speed(f64);

/// The error for a speed that is not a number or is outside 0.001..=100000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a speed is a number from 0.001 to 100000")]
pub struct SpeedError;

impl Speed {
    /// The speed at which virtual time runs as the wall clock does.
    pub const REAL_TIME: Self = Self(1.0);

    /// Returns a speed of `factor` virtual seconds in one second.
    pub fn try_new(factor: f64) -> Result<Self, SpeedError> {
        if (0.001..=100_000.0).contains(&factor) {
            Ok(Self(factor))
        } else {
            Err(SpeedError)
        }
    }

    /// Returns the number of virtual seconds in one second.
    pub const fn factor(self) -> f64 {
        self.0
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map_err(|_| SpeedError).and_then(Self::try_new)
    }
}

/// An instant in the simulated world, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct VirtualTime(f64);

impl VirtualTime {
    /// Returns the virtual instant `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: f64) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since the Unix epoch.
    pub const fn unix_seconds(self) -> f64 {
        self.0
    }
}

/// The relation of the wall clock and virtual time. Both are equal at `start`; before and after it virtual
/// time runs at `speed`.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    start: DateTime<Utc>,
    speed: Speed,
}

impl Timeline {
    /// Returns a timeline on which both times are equal at `start`.
    pub const fn new(start: DateTime<Utc>, speed: Speed) -> Self {
        Self { start, speed }
    }

    /// Returns a timeline of the same speed on which both times are equal at `start`.
    #[must_use]
    pub const fn restarted_at(self, start: DateTime<Utc>) -> Self {
        Self {
            start,
            speed: self.speed,
        }
    }

    /// Returns the virtual instant at which the wall clock shows `wall`.
    pub fn virtual_at(&self, wall: DateTime<Utc>) -> VirtualTime {
        VirtualTime(
            seconds(self.start - DateTime::UNIX_EPOCH) + seconds(wall - self.start) * self.speed.0,
        )
    }

    /// Returns the wall clock, to the microsecond, when `passed` of virtual time has gone by since the start.
    pub fn wall_after(&self, passed: TimeDelta) -> DateTime<Utc> {
        let wall_us = seconds(passed) / self.speed.0 * 1e6;
        self.start
            .checked_add_signed(microseconds(wall_us))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "whole seconds of any real date are far below 2^53"
)]
fn seconds(delta: TimeDelta) -> f64 {
    delta.num_seconds() as f64 + f64::from(delta.subsec_nanos()) / 1e9
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and the caller checks the sum"
)]
fn microseconds(us: f64) -> TimeDelta {
    TimeDelta::microseconds(us.round() as i64)
}
