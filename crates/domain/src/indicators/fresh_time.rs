//! The share of time in which devices were fresh.

use std::ops::AddAssign;

use super::percent_of;

/// Device-time in microseconds: an hour of two devices is two hours.
///
/// A device is fresh for [`crate::health::FRESH_FOR`] after each accepted update (NFR-001). Its time counts
/// while it is active and does not await its first data, unless its provider was unavailable in the cycle
/// that the span ends with. Health judges a single instant by the same rule:
/// [`crate::health::HealthState::is_eligible`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshTime {
    /// The device-time that counts.
    pub eligible_us: i64,
    /// The part of it in which the device was fresh.
    pub fresh_us: i64,
}

impl FreshTime {
    /// Returns the fresh share in percent; `None` if no time counts.
    pub fn percent(self) -> Option<f64> {
        percent_of(self.fresh_us, self.eligible_us)
    }
}

impl AddAssign for FreshTime {
    fn add_assign(&mut self, other: Self) {
        self.eligible_us += other.eligible_us;
        self.fresh_us += other.fresh_us;
    }
}
