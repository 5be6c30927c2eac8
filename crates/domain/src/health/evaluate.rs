//! The evaluation of one device's health.

use chrono::{DateTime, TimeDelta, Utc};

use super::{HealthState, LATENESS_TOLERANCE, Thresholds};
use crate::fleet::Policy;

/// The stored facts of a device that its health depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The instant at which the latest activation began.
    pub activated_at: DateTime<Utc>,
    /// The instant at which core last accepted an update of the device, since that activation.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The time of the newest observation that is held of the device.
    pub newest_observed_at: Option<DateTime<Utc>>,
    /// The reporting interval that the device's connection declares.
    pub declared_interval_minutes: Option<u32>,
}

/// The health of a device at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state; exactly one.
    pub state: HealthState,
    /// The time since core last accepted an update; never negative.
    pub age: Option<TimeDelta>,
    /// The time from the newest observation to its arrival; never negative.
    pub lag: Option<TimeDelta>,
    /// The age beyond which this device is delayed.
    pub delayed_after: TimeDelta,
    /// The age beyond which this device is stale.
    pub stale_after: TimeDelta,
    /// The instant since which the device has been in this state; `None` for a healthy device.
    pub since: Option<DateTime<Utc>>,
    /// The end of the grace period, for a device that did not report in it.
    pub grace_exceeded_at: Option<DateTime<Utc>>,
}

impl Health {
    /// Returns the interval at which the device should report: the cadence, or what its connection declares.
    pub fn interval(&self) -> TimeDelta {
        self.delayed_after - LATENESS_TOLERANCE
    }
}

/// Returns the health of a device: the first state of the table that fits. A device exactly at a threshold is
/// in the milder state.
pub fn evaluate(facts: &DeviceFacts, policy: Policy, now: DateTime<Utc>) -> Health {
    let thresholds = Thresholds::new(policy, facts.declared_interval_minutes);
    let (delayed_after, stale_after) = (thresholds.delayed_after(), thresholds.stale_after());
    let lag_limit = thresholds.lag_limit();
    let health = |state, since| Health {
        state,
        age: None,
        lag: None,
        delayed_after,
        stale_after,
        since,
        grace_exceeded_at: None,
    };
    let Some(received_at) = facts.last_update_received_at else {
        let grace_ends_at = facts.activated_at + thresholds.grace();
        return if now > grace_ends_at {
            Health {
                grace_exceeded_at: Some(grace_ends_at),
                ..health(HealthState::ConfiguredNoData, Some(grace_ends_at))
            }
        } else {
            health(HealthState::AwaitingFirstData, Some(facts.activated_at))
        };
    };
    let age = (now - received_at).max(TimeDelta::zero());
    let lag = facts
        .newest_observed_at
        .map(|observed_at| (received_at - observed_at).max(TimeDelta::zero()));
    let (state, since) = if age > stale_after {
        (HealthState::Stale, Some(received_at + stale_after))
    } else if age > delayed_after {
        (HealthState::Delayed, Some(received_at + delayed_after))
    } else if let Some(lag) = lag.filter(|lag| *lag > lag_limit) {
        // What is held has been too old since then, and what was held before it is older still. The time
        // of reception would begin anew with every late reading.
        let since = received_at - (lag - lag_limit);
        (HealthState::Delayed, Some(since.max(facts.activated_at)))
    } else {
        (HealthState::Healthy, None)
    };
    Health {
        age: Some(age),
        lag,
        ..health(state, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

    fn start() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0)
            .single()
            .expect("a time")
    }

    fn reported(declared_interval_minutes: Option<u32>) -> DeviceFacts {
        DeviceFacts {
            activated_at: start() - TimeDelta::days(1),
            last_update_received_at: Some(start()),
            newest_observed_at: Some(start()),
            declared_interval_minutes,
        }
    }

    #[test]
    fn each_threshold_turns_one_microsecond_late() {
        use HealthState::{AwaitingFirstData, ConfiguredNoData, Delayed, Healthy, Stale};
        let never = DeviceFacts {
            activated_at: start(),
            last_update_received_at: None,
            newest_observed_at: None,
            declared_interval_minutes: None,
        };
        for (name, facts, threshold, milder, worse) in [
            (
                "delayed",
                reported(None),
                TimeDelta::seconds(360),
                Healthy,
                Delayed,
            ),
            (
                "stale",
                reported(None),
                TimeDelta::minutes(15),
                Delayed,
                Stale,
            ),
            (
                "a shorter declared interval changes nothing",
                reported(Some(2)),
                TimeDelta::seconds(360),
                Healthy,
                Delayed,
            ),
            (
                "the poll interval declared changes nothing",
                reported(Some(5)),
                TimeDelta::minutes(15),
                Delayed,
                Stale,
            ),
            (
                "delayed by a declared interval",
                reported(Some(6)),
                TimeDelta::seconds(420),
                Healthy,
                Delayed,
            ),
            (
                "stale at three declared intervals",
                reported(Some(6)),
                TimeDelta::minutes(18),
                Delayed,
                Stale,
            ),
            (
                "grace",
                never,
                TimeDelta::minutes(60),
                AwaitingFirstData,
                ConfiguredNoData,
            ),
        ] {
            for (now, expected) in [
                (start() + threshold - MICROSECOND, milder),
                (start() + threshold, milder),
                (start() + threshold + MICROSECOND, worse),
            ] {
                assert_eq!(
                    evaluate(&facts, Policy::default(), now).state,
                    expected,
                    "{name} at {now}"
                );
            }
        }
    }

    #[test]
    fn the_threshold_is_the_policys_even_close_to_the_interval() {
        let policy = Policy::try_new(5, 6, 60).expect("a valid policy");
        let health = evaluate(&reported(None), policy, start() + TimeDelta::seconds(361));
        assert_eq!(
            (health.state, health.stale_after),
            (HealthState::Stale, TimeDelta::minutes(6))
        );
    }

    #[test]
    fn readings_that_arrive_old_are_delayed_though_they_keep_coming() {
        let late = |lag| DeviceFacts {
            newest_observed_at: Some(start() - lag),
            ..reported(None)
        };
        let threshold = TimeDelta::minutes(15);
        assert_eq!(
            evaluate(&late(threshold), Policy::default(), start()).state,
            HealthState::Healthy
        );
        for (late_by, ago) in [
            (threshold + MICROSECOND, MICROSECOND),
            (TimeDelta::minutes(45), TimeDelta::minutes(30)),
            (TimeDelta::days(9), TimeDelta::days(1)),
        ] {
            let health = evaluate(&late(late_by), Policy::default(), start());
            assert_eq!(
                (health.state, health.since),
                (HealthState::Delayed, Some(start() - ago)),
                "late by {late_by}, activated a day ago"
            );
        }
    }

    #[test]
    fn a_clock_behind_the_database_gives_no_negative_age() {
        let ahead = DeviceFacts {
            newest_observed_at: Some(start() + TimeDelta::minutes(4)),
            ..reported(None)
        };
        let health = evaluate(&ahead, Policy::default(), start() - TimeDelta::seconds(3));
        assert_eq!(
            (health.age, health.lag),
            (Some(TimeDelta::zero()), Some(TimeDelta::zero()))
        );
    }

    proptest! {
        #[test]
        fn without_news_health_only_gets_worse(
            received in prop::option::of(0_i64..4_000), lag in 0_i64..4_000, declared in prop::option::of(1_u32..90),
            first in 0_i64..10_000, later in 0_i64..10_000,
        ) {
            let received = received.map(|seconds| start() + TimeDelta::seconds(seconds));
            let facts = DeviceFacts {
                activated_at: start(),
                last_update_received_at: received,
                newest_observed_at: received.map(|received| received - TimeDelta::seconds(lag)),
                declared_interval_minutes: declared,
            };
            let from = received.unwrap_or(start());
            let before = evaluate(&facts, Policy::default(), from + TimeDelta::seconds(first));
            let after = evaluate(&facts, Policy::default(), from + TimeDelta::seconds(first + later));
            prop_assert!(before.state <= after.state);
            prop_assert_eq!(before.since.is_none(), before.state == HealthState::Healthy);
        }
    }
}
