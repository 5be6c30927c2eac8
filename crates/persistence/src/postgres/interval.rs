//! Durations as PostgreSQL's `interval` parameters.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::postgres::types::PgInterval;

/// Converts a duration to an `interval` parameter of whole microseconds; a duration that is too long becomes the
/// longest interval.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    let microseconds = TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| delta.num_microseconds());
    PgInterval {
        months: 0,
        days: 0,
        microseconds: microseconds.unwrap_or(i64::MAX),
    }
}
