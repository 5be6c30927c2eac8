//! What became of an update.

use crate::signals::{Readings, Signal};
use crate::vocabulary::words;

words!(
    /// The outcome of an update, as a word.
    OutcomeWord {
        /// It moved the snapshot.
        Accepted = "accepted",
        /// All of it was held already.
        Duplicate = "duplicate",
        /// Nothing in it is newer than what is held.
        Stale = "stale",
        /// It was refused.
        Rejected = "rejected",
    }
);

words!(
    /// Why an update was refused; an open vocabulary.
    RejectReason {
        /// Not of an update's shape.
        Malformed = "malformed",
        /// A poll's result after the legacy service became the poll owner.
        NotOwner = "not_owner",
        /// A provider type that the workspace's provider mode does not admit.
        ProviderNotAllowed = "provider_not_allowed",
        /// No such connection.
        UnknownConnection = "unknown_connection",
        /// The connection is switched off.
        ConnectionDisabled = "connection_disabled",
        /// A raw message of another protocol than the connection's.
        ProviderTypeMismatch = "provider_type_mismatch",
        /// Device and connection or external id name different devices.
        IdentityConflict = "identity_conflict",
        /// No such device.
        UnknownDevice = "unknown_device",
        /// The device was deactivated.
        InactiveDevice = "inactive_device",
        /// No `observed_at`, not an RFC 3339 time with an offset, or before 2015.
        InvalidTimestamp = "invalid_timestamp",
        /// Observed too far ahead of core's clock.
        FutureTimestamp = "future_timestamp",
        /// No signal left after dropping the invalid ones.
        NoValidSignals = "no_valid_signals",
        /// No such envelope, or none any more.
        UnknownEnvelope = "unknown_envelope",
    }
);

/// A refusal, with the words for whoever sent the update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: RejectReason,
    /// For people.
    pub detail: String,
    /// Where in the item, for [`RejectReason::Malformed`].
    pub pointer: Option<String>,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// These readings are newer than what is held.
    Accepted {
        /// What moves.
        newer: Readings,
        /// Signals of the update that were not newer.
        ignored: Vec<Signal>,
    },
    /// Every signal equals what is held, in time and value.
    Duplicate,
    /// No signal is newer than the one held.
    Stale,
    /// Refused.
    Rejected(Rejection),
}

impl Verdict {
    /// The outcome as a word.
    pub const fn word(&self) -> OutcomeWord {
        match self {
            Self::Accepted { .. } => OutcomeWord::Accepted,
            Self::Duplicate => OutcomeWord::Duplicate,
            Self::Stale => OutcomeWord::Stale,
            Self::Rejected(_) => OutcomeWord::Rejected,
        }
    }
}
