//! The policy of a workspace: how often it is polled, and from when on silence counts.

use chrono::TimeDelta;

use crate::polling::PollInterval;

/// The cadence and the thresholds of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The interval at which the workspace is polled.
    pub poll_interval: PollInterval,
    /// The silence beyond which a device is stale: 6..=1440 minutes, and above the poll interval.
    pub stale_threshold_minutes: u32,
    /// The time for which a new device may stay without data: 5..=10080 minutes.
    pub no_data_grace_minutes: u32,
}

/// The default follows D-001, D-006 and D-007 of the specification: 5, 15 and 60 minutes.
impl Default for Policy {
    fn default() -> Self {
        Self {
            poll_interval: PollInterval::DEFAULT,
            stale_threshold_minutes: 15,
            no_data_grace_minutes: 60,
        }
    }
}

/// A member of a policy that breaks its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// The poll interval is not one of the cadences.
    #[error("must be one of 1 2 3 4 5 6 10 12 15 20 30 60")]
    PollInterval,
    /// The stale threshold is outside of 6..=1440.
    #[error("must be 6 to 1440")]
    StaleThreshold,
    /// The stale threshold would make a device stale between two polls.
    #[error("must be above poll_interval_minutes")]
    StaleThresholdNotAboveInterval,
    /// The grace period is outside of 5..=10080.
    #[error("must be 5 to 10080")]
    NoDataGrace,
}

impl InvalidPolicy {
    /// Returns the name of the member that is wrong.
    pub const fn member(self) -> &'static str {
        match self {
            Self::PollInterval => "poll_interval_minutes",
            Self::StaleThreshold | Self::StaleThresholdNotAboveInterval => {
                "stale_threshold_minutes"
            }
            Self::NoDataGrace => "no_data_grace_minutes",
        }
    }
}

impl Policy {
    /// Checks the members of a policy.
    ///
    /// # Errors
    /// All members that break their rules.
    pub fn try_new(
        poll_interval_minutes: i64,
        stale_threshold_minutes: i64,
        no_data_grace_minutes: i64,
    ) -> Result<Self, Vec<InvalidPolicy>> {
        let interval = PollInterval::try_new(poll_interval_minutes);
        let within = |minutes: i64, least: i64, most: i64| {
            u32::try_from(minutes)
                .ok()
                .filter(|_| (least..=most).contains(&minutes))
        };
        let stale = within(stale_threshold_minutes, 6, 1440);
        let grace = within(no_data_grace_minutes, 5, 10_080);
        let mut wrong = Vec::new();
        if interval.is_none() {
            wrong.push(InvalidPolicy::PollInterval);
        }
        if stale.is_none() {
            wrong.push(InvalidPolicy::StaleThreshold);
        } else if interval.is_some() && stale_threshold_minutes <= poll_interval_minutes {
            wrong.push(InvalidPolicy::StaleThresholdNotAboveInterval);
        }
        if grace.is_none() {
            wrong.push(InvalidPolicy::NoDataGrace);
        }
        match (interval, stale, grace) {
            (Some(poll_interval), Some(stale_threshold_minutes), Some(no_data_grace_minutes))
                if wrong.is_empty() =>
            {
                Ok(Self {
                    poll_interval,
                    stale_threshold_minutes,
                    no_data_grace_minutes,
                })
            }
            _ => Err(wrong),
        }
    }

    /// Returns [`Self::stale_threshold_minutes`] as a span of time.
    pub fn stale_threshold(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.stale_threshold_minutes))
    }

    /// Returns [`Self::no_data_grace_minutes`] as a span of time.
    pub fn no_data_grace(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.no_data_grace_minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_held_to_its_rule() {
        use InvalidPolicy::{
            NoDataGrace, PollInterval, StaleThreshold, StaleThresholdNotAboveInterval,
        };
        for (interval, stale, grace, wrong) in [
            (5, 15, 60, vec![]),
            (1, 6, 5, vec![]),
            (60, 1440, 10_080, vec![]),
            (7, 15, 60, vec![PollInterval]),
            (0, 15, 60, vec![PollInterval]),
            (5, 5, 60, vec![StaleThreshold]),
            (5, 1441, 60, vec![StaleThreshold]),
            (15, 15, 60, vec![StaleThresholdNotAboveInterval]),
            (5, 15, 4, vec![NoDataGrace]),
            (5, 15, 10_081, vec![NoDataGrace]),
            (
                -5,
                -15,
                i64::MAX,
                vec![PollInterval, StaleThreshold, NoDataGrace],
            ),
        ] {
            assert_eq!(
                Policy::try_new(interval, stale, grace)
                    .err()
                    .unwrap_or_default(),
                wrong,
                "{interval} {stale} {grace}"
            );
        }
    }
}
