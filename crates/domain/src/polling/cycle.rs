//! A poll cycle's words and what it reports of each connection.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, ProviderId};
use crate::vocabulary::words;

words!(
    /// How far a cycle has come.
    CycleStatus {
        /// Recorded and not yet taken by an instance.
        Queued = "queued",
        /// Held by one instance under a lease.
        Running = "running",
        /// Every connection answered.
        Completed = "completed",
        /// Some connections answered and some failed.
        Partial = "partial",
        /// No connection answered.
        Failed = "failed",
        /// Refused: inactive, not core's to poll, or outside of the schedule.
        Skipped = "skipped",
        /// Came too late, or a newer slot was already due.
        Expired = "expired",
        /// Three instances lost their lease on it.
        Abandoned = "abandoned",
        /// No trigger came for its slot, and a newer one was made up for instead.
        Missed = "missed",
    }
);

impl CycleStatus {
    /// Whether nothing will change any more.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

words!(
    /// What set a cycle off.
    Trigger {
        /// A slot of the schedule.
        Scheduled = "scheduled",
        /// A request without a scheduled time.
        Manual = "manual",
        /// Makes up for a missed slot.
        Recovery = "recovery",
    }
);

words!(
    /// How one connection fared in a cycle.
    ConnectionOutcome {
        /// It answered, and its answer went through acceptance.
        Ok = "ok",
        /// It did not answer usably, or its answer could not be kept.
        Failed = "failed",
        /// It was not asked.
        Skipped = "skipped",
    }
);

words!(
    /// Why a connection failed or was skipped.
    ErrorClass {
        /// The credential reference leads nowhere.
        CredentialsUnresolved = "credentials_unresolved",
        /// The provider refused the credential.
        CredentialsRejected = "credentials_rejected",
        /// The provider asked for fewer requests.
        RateLimited = "rate_limited",
        /// The provider could not be reached or failed.
        Unavailable = "unavailable",
        /// The total deadline passed.
        Timeout = "timeout",
        /// The provider's answer is not of its protocol, or too large.
        InvalidResponse = "invalid_response",
        /// The provider's pages lead back to one that was read already.
        CursorLoop = "cursor_loop",
        /// The connection's address is not one that core may call.
        AddressNotAllowed = "address_not_allowed",
        /// No poll client for this provider type.
        NotSupported = "not_supported",
        /// The connection is switched off.
        Disabled = "disabled",
        /// The workspace's provider mode does not admit this type.
        ProviderNotAllowed = "provider_not_allowed",
        /// It failed so often in a row that it is left alone for a while.
        CircuitOpen = "circuit_open",
    }
);

/// A provider's failure in a poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// For people; holds no secret.
    pub detail: String,
}

/// What a cycle records of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionReport {
    /// Which connection.
    pub provider_id: ProviderId,
    /// How it fared.
    pub outcome: ConnectionOutcome,
    /// Why, unless ok.
    pub error: Option<PollError>,
    /// Active devices of the connection when it was polled.
    pub devices_expected: u32,
    /// Of those, how many the provider's answer named.
    pub returned: u32,
    /// Those it did not name, in order of id.
    pub missing: Vec<DeviceId>,
    /// Returned devices that brought nothing new.
    pub unchanged: u32,
    /// Accepted updates.
    pub accepted: u32,
    /// Updates already held.
    pub duplicate: u32,
    /// Updates older than what is held.
    pub stale: u32,
    /// Rejected updates by reason.
    pub rejected: BTreeMap<String, u32>,
    /// Configured devices with a rejected update and no accepted one, with the reason, capped.
    pub rejected_devices: BTreeMap<DeviceId, String>,
    /// Requests sent, retries included, of the most-tried page.
    pub attempts: u32,
    /// From the first request to the commit of its results.
    pub duration_ms: u32,
}

impl ConnectionReport {
    /// A connection that brought no answer.
    pub fn without_answer(
        provider_id: ProviderId,
        outcome: ConnectionOutcome,
        error: PollError,
        devices_expected: u32,
    ) -> Self {
        Self {
            provider_id,
            outcome,
            error: Some(error),
            devices_expected,
            returned: 0,
            missing: Vec::new(),
            unchanged: 0,
            accepted: 0,
            duplicate: 0,
            stale: 0,
            rejected: BTreeMap::new(),
            rejected_devices: BTreeMap::new(),
            attempts: 0,
            duration_ms: 0,
        }
    }
}

impl ConnectionReport {
    /// As which outcome it counts towards its cycle's: one that is left alone because it fails has not
    /// answered either, and a cycle must not look better for that.
    pub fn counts_as(&self) -> ConnectionOutcome {
        match &self.error {
            Some(error) if error.class == ErrorClass::CircuitOpen => ConnectionOutcome::Failed,
            _ => self.outcome,
        }
    }
}

/// What a connection's stream brought since the workspace's last cycle that was polled to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReport {
    /// Which connection.
    pub provider_id: ProviderId,
    /// Envelopes that were not there before, whatever became of them.
    pub envelopes: u64,
    /// Of these, accepted ones.
    pub accepted: u64,
    /// Of these, those that were not understood.
    pub quarantined: u64,
    /// When the transport received the latest of all that ever came.
    pub last_received_at: Option<DateTime<Utc>>,
}

impl CycleStatus {
    /// The end of a cycle whose connections fared so. Skipped ones count neither way: nobody was
    /// asked.
    pub fn of_outcomes(outcomes: impl IntoIterator<Item = ConnectionOutcome>) -> Self {
        let (mut ok, mut failed) = (false, false);
        for outcome in outcomes {
            ok |= outcome == ConnectionOutcome::Ok;
            failed |= outcome == ConnectionOutcome::Failed;
        }
        match (ok, failed) {
            (_, false) => Self::Completed,
            (true, true) => Self::Partial,
            (false, true) => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionOutcome::{Failed, Ok, Skipped};

    #[test]
    fn a_cycle_ends_as_its_connections_fared() {
        for (outcomes, status) in [
            (vec![], CycleStatus::Completed),
            (vec![Ok, Ok], CycleStatus::Completed),
            (vec![Skipped], CycleStatus::Completed),
            (vec![Ok, Skipped], CycleStatus::Completed),
            (vec![Ok, Failed], CycleStatus::Partial),
            (vec![Failed, Skipped], CycleStatus::Failed),
            (vec![Failed, Failed], CycleStatus::Failed),
        ] {
            assert_eq!(
                CycleStatus::of_outcomes(outcomes.clone()),
                status,
                "{outcomes:?}"
            );
        }
    }
}
