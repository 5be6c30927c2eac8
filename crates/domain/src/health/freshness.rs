//! Freshness: of single signals, and the share of devices that meets the service level.

use chrono::{DateTime, TimeDelta, Utc};

use super::Health;
use crate::vocabulary::words;

words!(
    /// The age of one signal in words. A fresh position does not vouch for an old state of charge.
    SignalFreshness {
        /// The signal is within the interval and its slack.
        Fresh = "fresh",
        /// The signal is older than the interval and its slack.
        Delayed = "delayed",
        /// The signal is older than the device's effective stale threshold.
        Stale = "stale",
    }
);

/// Returns the age and the freshness of a signal, by the thresholds of its device.
pub fn signal_freshness(
    observed_at: DateTime<Utc>,
    device: &Health,
    now: DateTime<Utc>,
) -> (TimeDelta, SignalFreshness) {
    let age = (now - observed_at).max(TimeDelta::zero());
    let freshness = if age > device.stale_after {
        SignalFreshness::Stale
    } else if age > device.delayed_after {
        SignalFreshness::Delayed
    } else {
        SignalFreshness::Fresh
    };
    (age, freshness)
}

/// NFR-001's share: devices updated within five minutes, of those that it speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Age at most 300 s.
    pub within_5_minutes: u32,
    /// Active devices that are not awaiting first data and not in a provider outage.
    pub eligible_devices: u32,
}

impl Freshness {
    const LEVEL: TimeDelta = TimeDelta::seconds(300);

    /// Counts one more eligible device.
    pub fn count(&mut self, health: &Health) {
        self.eligible_devices += 1;
        self.within_5_minutes += u32::from(health.age.is_some_and(|age| age <= Self::LEVEL));
    }

    /// In percent, rounded to two decimals; `None` when no device is eligible.
    pub fn percent(self) -> Option<f64> {
        (self.eligible_devices > 0).then(|| {
            (f64::from(self.within_5_minutes) * 10_000.0 / f64::from(self.eligible_devices)).round()
                / 100.0
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Policy;
    use crate::health::{DeviceFacts, evaluate};

    #[test]
    fn a_signal_ages_by_its_own_time_and_its_devices_thresholds() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let facts = DeviceFacts {
            activated_at: DateTime::UNIX_EPOCH,
            last_update_received_at: Some(now),
            newest_observed_at: Some(now),
            declared_interval_minutes: Some(10),
        };
        let device = evaluate(&facts, Policy::default(), now);
        for (seconds, expected) in [
            (-60, SignalFreshness::Fresh),
            (660, SignalFreshness::Fresh),
            (661, SignalFreshness::Delayed),
            (1800, SignalFreshness::Delayed),
            (1801, SignalFreshness::Stale),
        ] {
            let (age, freshness) =
                signal_freshness(now - TimeDelta::seconds(seconds), &device, now);
            assert_eq!((age.num_seconds(), freshness), (seconds.max(0), expected));
        }
    }

    #[test]
    fn exactly_five_minutes_is_within_them() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let mut freshness = Freshness::default();
        assert_eq!(freshness.percent(), None);
        for late in [
            TimeDelta::zero(),
            TimeDelta::microseconds(1),
            TimeDelta::seconds(-100),
        ] {
            let received = now - TimeDelta::seconds(300) - late;
            let facts = DeviceFacts {
                activated_at: DateTime::UNIX_EPOCH,
                last_update_received_at: Some(received),
                newest_observed_at: Some(received),
                declared_interval_minutes: None,
            };
            freshness.count(&evaluate(&facts, Policy::default(), now));
        }
        assert_eq!(
            freshness,
            Freshness {
                within_5_minutes: 2,
                eligible_devices: 3
            }
        );
        assert_eq!(freshness.percent(), Some(66.67));
    }
}
