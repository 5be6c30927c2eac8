//! How far back the history of a workspace can be told.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The first day whose events are kept: days are dropped whole.
pub fn first_kept_day(retention: TimeDelta, now: DateTime<Utc>) -> NaiveDate {
    (now - retention).date_naive()
}

/// Since when the history of a workspace is whole: since its registration, as long as the day of that is
/// kept, else since the oldest baseline of the days that are. `None` where there is neither.
pub fn retained_since(
    registered_at: DateTime<Utc>,
    oldest_kept_baseline: Option<DateTime<Utc>>,
    first_kept: NaiveDate,
) -> Option<DateTime<Utc>> {
    if registered_at >= first_kept.and_time(NaiveTime::MIN).and_utc() {
        Some(registered_at)
    } else {
        oldest_kept_baseline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_history_begins_with_its_workspace_or_with_a_baseline() {
        let at = |day, hour| Utc.with_ymd_and_hms(2026, 11, day, hour, 0, 0).single();
        let now = at(23, 8).expect("a time");
        let first_kept = first_kept_day(TimeDelta::days(10), now);
        let midnight = at(13, 0);
        let just_before = midnight.map(|at| at - TimeDelta::microseconds(1));
        for (registered_at, oldest_kept_baseline, since) in [
            (at(20, 8), None, at(20, 8)),
            (at(20, 8), at(22, 8), at(20, 8)),
            (midnight, at(22, 8), midnight),
            (just_before, at(22, 8), at(22, 8)),
            (at(1, 8), None, None),
        ] {
            let registered_at = registered_at.expect("a time");
            assert_eq!(
                retained_since(registered_at, oldest_kept_baseline, first_kept),
                since,
                "{registered_at}"
            );
        }
    }
}
