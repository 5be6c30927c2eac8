//! The state of a workspace's schedule at the scheduler that fires it.

use chrono::{DateTime, Utc};

use super::CronExpression;
use crate::vocabulary::words;

words!(
    /// The state of a schedule that a workspace should have.
    ScheduleState {
        /// The scheduler has confirmed exactly the wanted schedule.
        Applied = "applied",
        /// The scheduler has not confirmed the wanted schedule yet.
        Pending = "pending",
        /// The scheduler refused or could not be reached; the change is retried.
        Error = "error",
    }
);

/// The record of a workspace's schedule at the scheduler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppliedSchedule {
    /// The expression that the scheduler confirmed last; `None` if it confirmed that there is no schedule.
    pub expression: Option<String>,
    /// The instant of that confirmation.
    pub applied_at: Option<DateTime<Utc>>,
    /// Whether a later change was sent whose confirmation has not come.
    pub in_doubt: bool,
    /// The failure of the latest attempt.
    pub error: Option<String>,
}

impl AppliedSchedule {
    /// Returns the state by the wanted expression; an inactive workspace wants none.
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

    /// Returns when the scheduler confirmed the wanted expression, if it has.
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
