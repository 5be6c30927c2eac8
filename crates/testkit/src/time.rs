//! The instant at which stories begin, and durations in them.

use chrono::{DateTime, TimeDelta, Utc};

/// The instant at which every fixture's clock stands: 2026-11-23T08:00:00Z.
pub const fn start() -> DateTime<Utc> {
    match DateTime::from_timestamp(1_795_420_800, 0) {
        Some(start) => start,
        None => DateTime::UNIX_EPOCH,
    }
}

/// A duration of `count` seconds.
pub const fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// A duration of `count` minutes.
pub const fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

/// A duration of `count` hours.
pub const fn hours(count: i64) -> TimeDelta {
    TimeDelta::hours(count)
}

#[cfg(test)]
mod tests {
    #[test]
    fn stories_begin_on_a_monday_morning() {
        assert_eq!(super::start().to_rfc3339(), "2026-11-23T08:00:00+00:00");
    }
}
