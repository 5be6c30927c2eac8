//! How a workspace's schedule stands with whatever fires it.

use chrono::{DateTime, Utc};

use super::CronExpression;
use crate::vocabulary::words;

words!(
    /// How a wanted schedule stands.
    ScheduleState {
        /// The scheduler has confirmed just what is wanted.
        Applied = "applied",
        /// It is to be told yet.
        Pending = "pending",
        /// It refused or could not be reached; it is told again.
        Error = "error",
    }
);

/// What is recorded of a workspace's schedule at the scheduler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedSchedule {
    /// What the scheduler confirmed last; nothing where it confirmed that there is none.
    pub expression: Option<String>,
    /// When.
    pub applied_at: Option<DateTime<Utc>>,
    /// Whether somebody has begun to tell it something since, and has not heard.
    pub in_doubt: bool,
    /// Why the latest attempt failed.
    pub error: Option<String>,
}

impl AppliedSchedule {
    /// How this stands to what is wanted; nothing is wanted of an inactive workspace.
    pub fn state(&self, wanted: Option<&CronExpression>) -> ScheduleState {
        let is_wanted = self.expression.as_deref() == wanted.map(CronExpression::as_str);
        if self.error.is_some() {
            ScheduleState::Error
        } else if is_wanted && !self.in_doubt {
            ScheduleState::Applied
        } else {
            ScheduleState::Pending
        }
    }

    /// When the scheduler confirmed what is wanted, if it has.
    pub fn applied_at(&self, wanted: Option<&CronExpression>) -> Option<DateTime<Utc>> {
        self.applied_at
            .filter(|_| self.state(wanted) == ScheduleState::Applied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_is_what_was_confirmed_and_is_wanted_still() {
        let wanted = CronExpression::try_new("cron(3/5 * * * ? *)").expect("an expression");
        let held = |expression: Option<&str>| AppliedSchedule {
            expression: expression.map(str::to_owned),
            ..AppliedSchedule::default()
        };
        let same = held(Some(wanted.as_str()));
        let in_doubt = AppliedSchedule {
            in_doubt: true,
            ..same.clone()
        };
        let failed = AppliedSchedule {
            error: Some("throttled".to_owned()),
            ..in_doubt.clone()
        };
        for (applied, wanted, state) in [
            (&same, Some(&wanted), ScheduleState::Applied),
            (&in_doubt, Some(&wanted), ScheduleState::Pending),
            (&failed, Some(&wanted), ScheduleState::Error),
            (
                &held(Some("cron(0 * * * ? *)")),
                Some(&wanted),
                ScheduleState::Pending,
            ),
            (&held(None), Some(&wanted), ScheduleState::Pending),
            (&held(None), None, ScheduleState::Applied),
            (&same, None, ScheduleState::Pending),
        ] {
            assert_eq!(applied.state(wanted), state, "{applied:?} {wanted:?}");
        }
    }
}
