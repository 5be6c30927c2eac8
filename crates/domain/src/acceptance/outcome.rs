//! Outcomes of updates.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::signals::{Readings, Signal};
use crate::vocabulary::words;

words!(
    /// The outcome of an update, as a word.
    OutcomeWord {
        /// The update moved the snapshot.
        Accepted = "accepted",
        /// All readings of the update were held already.
        Duplicate = "duplicate",
        /// No reading of the update is newer than the held one.
        Stale = "stale",
        /// The update was refused.
        Rejected = "rejected",
    }
);

words!(
    /// The reason why an update was refused; an open vocabulary.
    RejectReason {
        /// The item does not have the shape of an update.
        Malformed = "malformed",
        /// A poll brought the update after the legacy service had become the poll owner.
        NotOwner = "not_owner",
        /// The workspace's provider mode does not admit the connection's provider type.
        ProviderNotAllowed = "provider_not_allowed",
        /// The workspace has no such connection.
        UnknownConnection = "unknown_connection",
        /// The connection is switched off.
        ConnectionDisabled = "connection_disabled",
        /// The raw message is of another protocol than the connection.
        ProviderTypeMismatch = "provider_type_mismatch",
        /// The device id and the connection or external id name different devices.
        IdentityConflict = "identity_conflict",
        /// The workspace has no such device.
        UnknownDevice = "unknown_device",
        /// The device was deactivated.
        InactiveDevice = "inactive_device",
        /// `observed_at` is absent, is not an RFC 3339 time with an offset, or is before 2015.
        InvalidTimestamp = "invalid_timestamp",
        /// `observed_at` is too far ahead of core's clock.
        FutureTimestamp = "future_timestamp",
        /// No signal was left after the invalid ones were dropped.
        NoValidSignals = "no_valid_signals",
        /// The workspace has no such envelope, or does not keep it any more.
        UnknownEnvelope = "unknown_envelope",
    }
);

/// A refusal, with a text for whoever sent the update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The reason of the refusal.
    pub reason: RejectReason,
    /// The explanation for people.
    pub detail: String,
    /// The place in the item that is not of the shape, for [`RejectReason::Malformed`].
    pub pointer: Option<String>,
}

/// The judgement of an update.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Some readings of the update are newer than the held ones.
    Accepted {
        /// The update's event time, which is the time of every reading in `newer`.
        observed_at: DateTime<Utc>,
        /// The readings that move the snapshot; never empty. The update's event shares them.
        newer: Arc<Readings>,
        /// Signals of the update that were not newer.
        ignored: Vec<Signal>,
    },
    /// Every signal equals the held one in time and value.
    Duplicate,
    /// No signal is newer than the held one.
    Stale,
    /// The update was refused.
    Rejected(Rejection),
}

impl Verdict {
    /// Returns the outcome as a word.
    pub const fn word(&self) -> OutcomeWord {
        match self {
            Self::Accepted { .. } => OutcomeWord::Accepted,
            Self::Duplicate => OutcomeWord::Duplicate,
            Self::Stale => OutcomeWord::Stale,
            Self::Rejected(_) => OutcomeWord::Rejected,
        }
    }
}
