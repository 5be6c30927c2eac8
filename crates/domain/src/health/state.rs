//! The words of health.

use crate::vocabulary::words;

words!(
    /// A configured device's health; exactly one at any instant. Ordered from mild to bad. An open
    /// vocabulary to clients.
    HealthState {
        /// It reports as often as it should.
        Healthy = "healthy",
        /// Later than the cadence allows, not yet stale.
        Delayed = "delayed",
        /// New, and its grace period is not over.
        AwaitingFirstData = "awaiting-first-data",
        /// Silent beyond the stale threshold.
        Stale = "stale",
        /// Never reported, and its grace period is over.
        ConfiguredNoData = "configured-no-data",
    }
);

words!(
    /// How much a state or issue asks of people.
    Severity {
        /// To know.
        Info = "info",
        /// To look into.
        Warning = "warning",
        /// To act on.
        Error = "error",
    }
);

impl HealthState {
    /// How much it asks of people; nothing of a healthy device.
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::Healthy => None,
            Self::Delayed | Self::AwaitingFirstData => Some(Severity::Info),
            Self::Stale => Some(Severity::Warning),
            Self::ConfiguredNoData => Some(Severity::Error),
        }
    }
}
