//! Cron expressions of EventBridge Scheduler:
//! `cron(minutes hours day-of-month month day-of-week year)`.
//!
//! Source: EventBridge Scheduler user guide, "Cron-based schedules". Words for months and days, and the
//! wildcards `L`, `W` and `#`, are left out: no schedule of ours needs them, so they are refused.

use std::fmt;
use std::ops::RangeInclusive;

use crate::polling::Schedule;

/// The fields in their order, with the range of their numbers.
const FIELDS: [(&str, RangeInclusive<u32>); 6] = [
    ("minutes", 0..=59),
    ("hours", 0..=23),
    ("day of month", 1..=31),
    ("month", 1..=12),
    ("day of week", 1..=7),
    ("year", 1970..=2199),
];
const DAY_OF_MONTH: usize = 2;
const DAY_OF_WEEK: usize = 4;

/// A valid cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronExpression(String);

/// The reason why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// The text is not `cron(…)` with six fields.
    #[error("must be cron(…) with six fields separated by one space")]
    Form,
    /// A field holds what it cannot.
    #[error("its {0} cannot be {1:?}")]
    Field(&'static str, String),
    /// Not exactly one of the two days is `?`.
    #[error("one of day of month and day of week must be ?, and not both")]
    Days,
}

impl CronExpression {
    /// Checks an expression.
    ///
    /// # Errors
    /// [`InvalidExpression`].
    pub fn try_new(text: &str) -> Result<Self, InvalidExpression> {
        let inner = text
            .strip_prefix("cron(")
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or(InvalidExpression::Form)?;
        let fields: Vec<&str> = inner.split(' ').collect();
        if fields.len() != FIELDS.len() {
            return Err(InvalidExpression::Form);
        }
        for (position, (field, (name, range))) in fields.iter().zip(&FIELDS).enumerate() {
            let is_day = position == DAY_OF_MONTH || position == DAY_OF_WEEK;
            let is_valid =
                (*field == "?" && is_day) || field.split(',').all(|item| is_item(item, range));
            if !is_valid {
                return Err(InvalidExpression::Field(name, (*field).to_owned()));
            }
        }
        if (fields[DAY_OF_MONTH] == "?") == (fields[DAY_OF_WEEK] == "?") {
            return Err(InvalidExpression::Days);
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the expression of a workspace's schedule, in UTC.
    pub fn of(schedule: Schedule) -> Self {
        Self(schedule.expression())
    }

    /// Returns the text of the expression.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether an item is `*`, a number, a range of numbers, or one of these with a step.
fn is_item(item: &str, range: &RangeInclusive<u32>) -> bool {
    let number = |text: &str| {
        let plain = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain
            .then(|| text.parse::<u32>().ok())
            .flatten()
            .filter(|number| range.contains(number))
    };
    let (start, step) = match item.split_once('/') {
        Some((start, step)) => (start, Some(step)),
        None => (item, None),
    };
    let start_is_valid = start == "*"
        || match start.split_once('-') {
            Some((from, to)) => matches!((number(from), number(to)), (Some(a), Some(b)) if a <= b),
            None => number(start).is_some(),
        };
    let step_is_valid = step.is_none_or(|step| {
        step.bytes().all(|b| b.is_ascii_digit())
            && step
                .parse::<u32>()
                .is_ok_and(|step| (1..=*range.end()).contains(&step))
    });
    start_is_valid && step_is_valid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polling::PollInterval;

    #[test]
    fn what_the_service_takes_is_valid() {
        for good in [
            "cron(4/5 * * * ? *)",
            "cron(* * * * ? *)",
            "cron(0 * * * ? *)",
            "cron(0,15,30-40 0-23/2 ? 1-6 2-6 2026-2030)",
            "cron(0 10 1 * ? 2199)",
        ] {
            assert!(CronExpression::try_new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_the_service_refuses_is_not() {
        for bad in [
            "",
            "nonsense",
            "rate(5 minutes)",
            "cron(4/5 * * * ?)",
            "cron(4/5  * * * ? *)",
            "cron(4/5 * * * ? * *)",
            "cron(60 * * * ? *)",
            "cron(99 * * * * *)",
            "cron(4/0 * * * ? *)",
            "cron(-1 * * * ? *)",
            "cron(+1 * * * ? *)",
            "cron(9-3 * * * ? *)",
            "cron(? * * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 0 0 * ? *)",
            "cron(0 0 * 13 ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(0 0 * * * *)",
            "cron(0 0 ? * ? *)",
            "cron(0 0 * * ? 1969)",
            "cron(4/ * * * ? *)",
            "cron(, * * * ? *)",
        ] {
            assert!(CronExpression::try_new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_schedule_has_a_valid_expression() {
        for minutes in PollInterval::ALLOWED {
            let interval = PollInterval::try_new(minutes.into()).expect("an interval");
            for number in 0..500 {
                let expression = CronExpression::of(Schedule::new(interval, number));
                assert_eq!(
                    CronExpression::try_new(expression.as_str()),
                    Ok(expression.clone())
                );
            }
        }
    }
}
