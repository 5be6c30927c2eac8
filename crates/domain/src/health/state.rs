//! The words of health: states and severities.

use crate::vocabulary::words;

words!(
    /// The health of a configured device; exactly one at any instant. The states are ordered from mild to
    /// bad. An open vocabulary to clients.
    HealthState {
        /// The device reports as often as it should.
        Healthy = "healthy",
        /// The device is later than the cadence allows, and not yet stale.
        Delayed = "delayed",
        /// The device is new, and its grace period is not over.
        AwaitingFirstData = "awaiting-first-data",
        /// The device is silent beyond the stale threshold.
        Stale = "stale",
        /// The device never reported, and its grace period is over.
        ConfiguredNoData = "configured-no-data",
    }
);

words!(
    /// The urgency of a state or issue: how much it asks of people.
    Severity {
        /// People should know.
        Info = "info",
        /// People should look into it.
        Warning = "warning",
        /// People must act.
        Error = "error",
    }
);

impl HealthState {
    /// Returns the urgency of the state; `None` for a healthy device.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Healthy => None,
            Self::Delayed | Self::AwaitingFirstData => Some(Severity::Info),
            Self::Stale => Some(Severity::Warning),
            Self::ConfiguredNoData => Some(Severity::Error),
        }
    }
}
