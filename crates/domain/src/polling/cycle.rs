//! Poll cycles: their words, and what a cycle reports of each connection.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, ProviderId};
use crate::vocabulary::words;

words!(
    /// The state of a cycle.
    CycleStatus {
        /// The cycle is recorded and not yet taken by an instance.
        Queued = "queued",
        /// One instance holds the cycle under a lease.
        Running = "running",
        /// Every connection answered.
        Completed = "completed",
        /// Some connections answered and some failed.
        Partial = "partial",
        /// No connection answered.
        Failed = "failed",
        /// The cycle was refused: the workspace is inactive or not core's to poll, or the minute is outside
        /// of the schedule.
        Skipped = "skipped",
        /// The cycle came too late, or a newer slot was already due.
        Expired = "expired",
        /// Three instances lost their lease on the cycle.
        Abandoned = "abandoned",
        /// No trigger came for the cycle's slot, and a newer slot was made up for instead.
        Missed = "missed",
    }
);

impl CycleStatus {
    /// Returns whether nothing will change any more.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Returns whether the cycle was polled to its end, however its connections fared. The database has this
    /// rule as the column `poll_cycles.polled`, so that an index can hold polled cycles alone.
    pub const fn is_polled(self) -> bool {
        matches!(self, Self::Completed | Self::Partial | Self::Failed)
    }

    /// Returns whether the cycle of a slot, once due, takes the place of all older slots: it waits, runs or
    /// was polled.
    pub const fn supersedes_older_slots(self) -> bool {
        !self.is_terminal() || self.is_polled()
    }
}

words!(
    /// The cause of a cycle.
    CycleTrigger {
        /// A slot of the schedule set off the cycle.
        Scheduled = "scheduled",
        /// A request without a scheduled time set off the cycle.
        Manual = "manual",
        /// The cycle makes up for a missed slot.
        Recovery = "recovery",
    }
);

words!(
    /// The outcome of one connection in a cycle.
    ConnectionOutcome {
        /// The connection answered, and its answer went through acceptance.
        Ok = "ok",
        /// The connection failed after a part of its answer had come, and that part went through acceptance.
        Partial = "partial",
        /// The connection did not answer usably, or its answer could not be kept.
        Failed = "failed",
        /// The connection was not asked.
        Skipped = "skipped",
    }
);

impl ConnectionOutcome {
    /// Returns whether an answer of the provider, or a part of one, went through acceptance.
    pub const fn has_answered(self) -> bool {
        matches!(self, Self::Ok | Self::Partial)
    }

    /// Returns whether the connection failed, in whole or in part.
    pub const fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::Partial)
    }
}

words!(
    /// The reason why a connection failed, in whole or in part, or was skipped.
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
        /// Core has no poll client for the provider type.
        NotSupported = "not_supported",
        /// The connection is switched off.
        Disabled = "disabled",
        /// The workspace's provider mode does not admit this type.
        ProviderNotAllowed = "provider_not_allowed",
        /// The connection failed so often in a row that it is left alone for a while.
        CircuitOpen = "circuit_open",
    }
);

/// A provider's failure in a poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollError {
    /// The kind of the failure.
    pub class: ErrorClass,
    /// The explanation for people; holds no secret.
    pub detail: String,
}

/// The record of one connection in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionReport {
    /// The connection.
    pub provider_id: ProviderId,
    /// The outcome of the connection.
    pub outcome: ConnectionOutcome,
    /// The reason of the outcome; `None` if the answer is complete.
    pub error: Option<PollError>,
    /// The number of the connection's active devices when it was polled.
    pub devices_expected: u32,
    /// The number of those devices that the provider has, as far as its answer tells.
    pub returned: u32,
    /// The devices that the provider does not have, in order of id.
    pub missing: Vec<DeviceId>,
    /// The number of returned devices that brought nothing new.
    pub unchanged: u32,
    /// The number of accepted updates.
    pub accepted: u32,
    /// The number of updates that were held already.
    pub duplicate: u32,
    /// The number of updates that are older than what is held.
    pub stale: u32,
    /// The numbers of rejected updates by reason.
    pub rejected: BTreeMap<String, u32>,
    /// Configured devices with a rejected update and no accepted one, with the reason; capped.
    pub rejected_devices: BTreeMap<DeviceId, String>,
    /// The number of requests that were sent for the most-tried page, retries included.
    pub attempts: u32,
    /// The time from the first request to the commit of the results, in milliseconds.
    pub duration_ms: u32,
}

impl ConnectionReport {
    /// Makes the report of a connection that brought no answer.
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

impl ErrorClass {
    /// Returns whether a poll of this class tells nothing new: the connection was left alone for what it had
    /// failed at before, and that failure is still the latest news of it.
    pub const fn repeats_a_failure(self) -> bool {
        matches!(self, Self::CircuitOpen)
    }
}

impl ConnectionReport {
    /// Returns the outcome by which the connection counts towards the status of its cycle. A connection that
    /// is left alone because it keeps failing has not answered either, and a cycle must not look better for it.
    pub fn counts_as(&self) -> ConnectionOutcome {
        match &self.error {
            Some(error) if error.class.repeats_a_failure() => ConnectionOutcome::Failed,
            _ => self.outcome,
        }
    }
}

/// The record of what a connection's stream brought since the workspace's last polled cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamReport {
    /// The connection.
    pub provider_id: ProviderId,
    /// The number of envelopes that were not known before, whatever became of them.
    pub envelopes: u64,
    /// The number of these envelopes that were accepted.
    pub accepted: u64,
    /// The number of these envelopes that were not understood.
    pub quarantined: u64,
    /// The instant at which the transport received the latest envelope of all.
    pub last_received_at: Option<DateTime<Utc>>,
}

impl CycleStatus {
    /// Returns the end of a cycle by the outcomes of its connections. Skipped connections count neither way:
    /// nobody was asked.
    pub fn of_outcomes(outcomes: impl IntoIterator<Item = ConnectionOutcome>) -> Self {
        let (mut ok, mut failed) = (false, false);
        for outcome in outcomes {
            ok |= outcome.has_answered();
            failed |= outcome.has_failed();
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
    use ConnectionOutcome::{Failed, Ok, Partial, Skipped};

    #[test]
    fn a_cycle_ends_as_its_connections_fared() {
        for (outcomes, status) in [
            (vec![], CycleStatus::Completed),
            (vec![Ok, Ok], CycleStatus::Completed),
            (vec![Skipped], CycleStatus::Completed),
            (vec![Ok, Skipped], CycleStatus::Completed),
            (vec![Ok, Failed], CycleStatus::Partial),
            (vec![Partial], CycleStatus::Partial),
            (vec![Partial, Failed], CycleStatus::Partial),
            (vec![Partial, Skipped], CycleStatus::Partial),
            (vec![Failed, Skipped], CycleStatus::Failed),
            (vec![Failed, Failed], CycleStatus::Failed),
        ] {
            assert_eq!(
                CycleStatus::of_outcomes(outcomes.clone()),
                status,
                "{outcomes:?}"
            );
            assert!(status.is_polled() && status.is_terminal());
        }
    }

    #[test]
    fn a_cycle_that_will_never_be_polled_supersedes_no_slot() {
        let superseding = CycleStatus::words_where(CycleStatus::supersedes_older_slots);
        assert_eq!(
            superseding,
            ["queued", "running", "completed", "partial", "failed"]
        );
    }
}
