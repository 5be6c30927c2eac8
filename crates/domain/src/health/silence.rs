//! Silence: a device that is stale or never reported, since when, and its position in a worklist.

use chrono::{DateTime, Utc};

use super::{DeviceFacts, HealthState, evaluate};
use crate::fleet::Policy;
use crate::ids::{DeviceId, WorkspaceId};

impl HealthState {
    /// Returns whether a device in this state is to be followed up.
    pub const fn is_silence(self) -> bool {
        matches!(self, Self::Stale | Self::ConfiguredNoData)
    }
}

impl DeviceFacts {
    /// Returns the beginning of the silence: the latest accepted update, or the activation if none came
    /// since.
    pub fn silent_since(&self) -> DateTime<Utc> {
        self.last_update_received_at.unwrap_or(self.activated_at)
    }
}

/// The position of a silence in a worklist: the oldest silence comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SilencePlace {
    /// The beginning of the silence.
    pub silent_since: DateTime<Utc>,
    /// The workspace of the device.
    pub workspace_id: WorkspaceId,
    /// The device.
    pub device_id: DeviceId,
}

/// What the thresholds of a connection's devices follow from. Fleets have few different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// The workspace's.
    pub policy: Policy,
    /// The connection's.
    pub declared_interval_minutes: Option<u32>,
}

/// Instants that tell the silent devices of the same thresholds from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOffs {
    /// Stale is whose latest update was accepted before.
    pub stale_before: DateTime<Utc>,
    /// Without data is what was activated before, and never reported.
    pub no_data_before: DateTime<Utc>,
}

impl Thresholds {
    /// By the rule that decides on a single device.
    pub fn cut_offs(self, now: DateTime<Utc>) -> CutOffs {
        let any_device = DeviceFacts {
            activated_at: now,
            last_update_received_at: Some(now),
            newest_observed_at: None,
            declared_interval_minutes: self.declared_interval_minutes,
        };
        CutOffs {
            stale_before: now - evaluate(&any_device, self.policy, now).stale_after,
            no_data_before: now - self.policy.no_data_grace(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::polling::PollInterval;

    proptest! {
        #[test]
        fn cut_offs_and_the_rule_agree_on_every_device(
            interval in prop::sample::select(PollInterval::ALLOWED.to_vec()), above in 1_i64..100, grace in 5_i64..200,
            declared in prop::option::of(1_u32..120), reported in any::<bool>(), silent_us in 0_i64..18_000_000_000,
            exact in any::<bool>(),
        ) {
            let threshold = (i64::from(interval) + above).max(6);
            let policy = Policy::try_new(interval.into(), threshold, grace).expect("a policy");
            let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
            let thresholds = Thresholds { policy, declared_interval_minutes: declared };
            let cut_offs = thresholds.cut_offs(now);
            // Often to the microsecond at a threshold, or one before it.
            let cut_off = if reported { cut_offs.stale_before } else { cut_offs.no_data_before };
            let since = if exact { cut_off - TimeDelta::microseconds(silent_us % 2) } else { now - TimeDelta::microseconds(silent_us) };
            let facts = DeviceFacts {
                activated_at: since,
                last_update_received_at: reported.then_some(since),
                newest_observed_at: None,
                declared_interval_minutes: declared,
            };
            prop_assert_eq!(facts.silent_since(), since);
            prop_assert_eq!(evaluate(&facts, policy, now).state.is_silence(), since < cut_off);
        }
    }
}
