//! The retention of a workspace's history: the instant since which it is whole.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Returns the first day whose events are kept: days are dropped whole.
pub fn first_kept_day(retention: TimeDelta, now: DateTime<Utc>) -> NaiveDate {
    (now - retention).date_naive()
}

/// Returns the instant since which the history of a workspace is whole: its registration, as long as the day
/// of the registration is kept, else the oldest baseline of the days that are kept; `None` if there is
/// neither.
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
