//! The spans of time that figures are computed over.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::vocabulary::words;

words!(
    /// A window that ends now. The windows are ordered from short to long.
    Window {
        /// The window is the last hour.
        Hour = "1h",
        /// The window is the last day.
        Day = "24h",
        /// The window is the last week.
        Week = "7d",
    }
);

impl Window {
    /// The longest window.
    pub const LONGEST: Self = Self::Week;

    /// Returns the length of the window.
    pub const fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
        }
    }

    /// Returns the instant after which the window begins.
    pub fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.length()
    }
}

/// The span of whole hours, the present one among them, in which the overview of all workspaces counts slots.
pub const OVERVIEW_HOURS: TimeDelta = TimeDelta::hours(24);

/// Returns the beginning of the hour, in UTC, that an instant lies in.
pub fn hour_of(instant: DateTime<Utc>) -> DateTime<Utc> {
    // Fails for times that no clock shows, centuries away.
    instant
        .duration_trunc(TimeDelta::hours(1))
        .unwrap_or(instant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn an_hour_begins_with_its_first_microsecond() {
        let eight = Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0).single();
        let eight = eight.expect("a time");
        assert_eq!(hour_of(eight), eight);
        assert_eq!(hour_of(eight + TimeDelta::minutes(59)), eight);
        let before = eight - TimeDelta::microseconds(1);
        assert_eq!(hour_of(before), eight - TimeDelta::hours(1));
    }
}
