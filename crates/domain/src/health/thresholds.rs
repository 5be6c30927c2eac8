//! Thresholds of device health: as spans of time, and as instants that SQL filters and counts by.

use chrono::{DateTime, TimeDelta, Utc};

use super::FRESH_FOR;
use crate::fleet::{Policy, reporting_interval};

/// The slack beyond an interval before a device or a cycle counts as late: a poll takes time.
pub(crate) const LATENESS_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// The settings that the thresholds of a device follow from. A fleet has few different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The policy of the device's workspace.
    pub policy: Policy,
    /// The reporting interval that the device's connection declares.
    pub declared_interval_minutes: Option<u32>,
}

/// The cut-offs between health states at one instant, for devices with the same thresholds.
///
/// [`super::evaluate`] decides on a single device; SQL compares stored times with these instants and finds
/// the same. A device exactly at a cut-off is in the milder state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOffs {
    /// A device that never reported has no data if it was activated before this instant.
    pub no_data_before: DateTime<Utc>,
    /// A device is stale if its latest update was accepted before this instant.
    pub stale_before: DateTime<Utc>,
    /// A device is delayed if its latest update was accepted before this instant.
    pub delayed_before: DateTime<Utc>,
    /// A device is delayed, too, if its readings arrive later than this after their observation.
    pub delayed_by_lag_above: TimeDelta,
    /// A device is fresh if its latest update was accepted at this instant or later.
    pub fresh_from: DateTime<Utc>,
}

impl Thresholds {
    /// Combines a workspace's policy with what a connection declares.
    pub const fn new(policy: Policy, declared_interval_minutes: Option<u32>) -> Self {
        Self {
            policy,
            declared_interval_minutes,
        }
    }

    /// Returns the age beyond which a device is delayed.
    pub fn delayed_after(self) -> TimeDelta {
        reporting_interval(self.declared_interval_minutes, self.policy.poll_interval)
            + LATENESS_TOLERANCE
    }

    /// Returns the age beyond which a device is stale: the policy's threshold, or three reporting intervals
    /// if the connection declares one above the poll interval and they last longer.
    pub fn stale_after(self) -> TimeDelta {
        let threshold = self.policy.stale_threshold();
        match self.declared_interval_minutes {
            Some(declared) if declared > self.policy.poll_interval.minutes() => {
                threshold.max(TimeDelta::minutes(3 * i64::from(declared)))
            }
            _ => threshold,
        }
    }

    /// Returns the lag beyond which a device is delayed, however often it reports.
    pub fn lag_limit(self) -> TimeDelta {
        self.policy.stale_threshold()
    }

    /// Returns how long a new device may stay without data.
    pub fn grace(self) -> TimeDelta {
        self.policy.no_data_grace()
    }

    /// Returns the cut-offs at an instant.
    pub fn cut_offs(self, now: DateTime<Utc>) -> CutOffs {
        CutOffs {
            no_data_before: now - self.grace(),
            stale_before: now - self.stale_after(),
            delayed_before: now - self.delayed_after(),
            delayed_by_lag_above: self.lag_limit(),
            fresh_from: now - FRESH_FOR,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::health::{DeviceFacts, HealthState, evaluate};
    use crate::polling::PollInterval;

    /// Finds the state as SQL does: by comparing stored times with the cut-offs alone.
    fn state_by(cut_offs: CutOffs, facts: &DeviceFacts) -> HealthState {
        let Some(received_at) = facts.last_update_received_at else {
            return if facts.activated_at < cut_offs.no_data_before {
                HealthState::ConfiguredNoData
            } else {
                HealthState::AwaitingFirstData
            };
        };
        let is_late = |observed_at| received_at - observed_at > cut_offs.delayed_by_lag_above;
        if received_at < cut_offs.stale_before {
            HealthState::Stale
        } else if received_at < cut_offs.delayed_before
            || facts.newest_observed_at.is_some_and(is_late)
        {
            HealthState::Delayed
        } else {
            HealthState::Healthy
        }
    }

    proptest! {
        #[test]
        fn cut_offs_and_the_rule_agree_on_every_device(
            interval in prop::sample::select(PollInterval::ALLOWED.to_vec()), above in 1_i64..100, grace in 5_i64..200,
            declared in prop::option::of(1_u32..120), reported in any::<bool>(), ago_us in 0_i64..18_000_000_000,
            lag_us in prop::option::of(0_i64..10_000_000_000), near in prop::option::of((0_usize..4, -1_i64..=1)),
        ) {
            let threshold = (i64::from(interval) + above).max(6);
            let policy = Policy::try_new(interval.into(), threshold, grace).expect("a policy");
            let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
            let cut_offs = Thresholds::new(policy, declared).cut_offs(now);
            // Often exactly at a cut-off, or a microsecond beside it.
            let since = match near {
                Some((which, beside)) => {
                    let CutOffs { no_data_before, stale_before, delayed_before, fresh_from, .. } = cut_offs;
                    let cut_off = [no_data_before, stale_before, delayed_before, fresh_from][which];
                    (cut_off + TimeDelta::microseconds(beside)).min(now)
                }
                None => now - TimeDelta::microseconds(ago_us),
            };
            let lag = match near {
                Some((_, beside)) => lag_us.map(|_| cut_offs.delayed_by_lag_above + TimeDelta::microseconds(beside)),
                None => lag_us.map(TimeDelta::microseconds),
            };
            let facts = DeviceFacts {
                activated_at: since,
                last_update_received_at: reported.then_some(since),
                newest_observed_at: lag.filter(|_| reported).map(|lag| since - lag),
                declared_interval_minutes: declared,
            };
            let health = evaluate(&facts, policy, now);
            prop_assert_eq!(state_by(cut_offs, &facts), health.state);
            prop_assert_eq!(reported && since >= cut_offs.fresh_from, health.is_fresh());
            // A device that is to be followed up is one whose silence began before a cut-off.
            let silent_before = if reported { cut_offs.stale_before } else { cut_offs.no_data_before };
            prop_assert_eq!(facts.silent_since(), since);
            prop_assert_eq!(facts.silent_since() < silent_before, health.state.is_silence());
        }
    }
}
