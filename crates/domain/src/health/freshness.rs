//! Freshness: of single signals, and the share of devices that meets the service level.

use std::ops::AddAssign;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cause, Health, HealthState};
use crate::indicators::percent_of;
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

/// The time for which a device is fresh after an accepted update: the five minutes of NFR-001.
pub const FRESH_FOR: TimeDelta = TimeDelta::seconds(300);

impl Health {
    /// Returns whether the device meets the service level: its latest update is at most [`FRESH_FOR`] old.
    pub fn is_fresh(&self) -> bool {
        self.age.is_some_and(|age| age <= FRESH_FOR)
    }
}

impl HealthState {
    /// Returns whether NFR-001 counts a device in this state: neither a new one that awaits its first data,
    /// nor one that is not healthy while its provider is down.
    pub const fn is_eligible(self, provider_is_down: bool) -> bool {
        match self {
            Self::Healthy => true,
            Self::AwaitingFirstData => false,
            Self::Delayed | Self::Stale | Self::ConfiguredNoData => !provider_is_down,
        }
    }
}

/// The share of NFR-001: of the devices that it counts, those that are fresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// The number of eligible devices whose latest update is at most [`FRESH_FOR`] old.
    pub within_5_minutes: u32,
    /// The number of active devices that [`HealthState::is_eligible`] counts.
    pub eligible_devices: u32,
}

/// Devices of one connection that are in the same state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateCount {
    /// The state of the devices.
    pub state: HealthState,
    /// The number of the devices.
    pub devices: u32,
    /// The number of the devices that are fresh.
    pub fresh: u32,
}

impl Freshness {
    /// Counts one device, if NFR-001 does. `cause` says why it is not healthy.
    pub fn count_device(&mut self, health: &Health, cause: Option<Cause>) {
        let provider_is_down = cause.is_some_and(|cause| cause.reason.is_provider_outage());
        let device = StateCount {
            state: health.state,
            devices: 1,
            fresh: u32::from(health.is_fresh()),
        };
        self.count(device, provider_is_down);
    }

    /// Counts devices of one connection and state, if NFR-001 does.
    pub fn count(&mut self, counted: StateCount, provider_is_down: bool) {
        if counted.state.is_eligible(provider_is_down) {
            self.eligible_devices += counted.devices;
            self.within_5_minutes += counted.fresh;
        }
    }

    /// Returns the share in percent, rounded to two decimals; `None` when no device is eligible.
    pub fn percent(self) -> Option<f64> {
        percent_of(self.within_5_minutes.into(), self.eligible_devices.into())
    }
}

impl AddAssign for Freshness {
    fn add_assign(&mut self, other: Self) {
        self.within_5_minutes += other.within_5_minutes;
        self.eligible_devices += other.eligible_devices;
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
            freshness.count_device(&evaluate(&facts, Policy::default(), now), None);
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
