//! Provider envelopes: raw messages of a provider, as a transport forwards them, and their outcomes.
//!
//! The transport holds a provider's socket and does not interpret what comes through it. Core finds out what
//! a message says, so that it can find out again after a fix.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use crate::acceptance::{Item, Judged, OutcomeWord, Rejection, Verdict};
use crate::fleet::ProviderType;
use crate::ids::{EnvelopeId, ProviderId};
use crate::vocabulary::words;

/// A raw message with what the transport knows of it.
#[derive(Clone, Debug)]
pub struct ProviderEnvelope<'a> {
    /// The transport's name for the message, the same however often it is sent.
    pub id: EnvelopeId,
    /// The protocol that the message is said to have.
    pub provider_type: ProviderType,
    /// The connection that the message came through.
    pub provider_id: ProviderId,
    /// The instant at which the transport received the message. It says nothing of when a reading was
    /// observed.
    pub received_at: DateTime<Utc>,
    /// The trace that began with the message.
    pub trace: Option<EnvelopeTrace>,
    /// The message of the provider: a JSON value, or a string that holds its text. It is untrusted, and never
    /// logged.
    pub raw_message: &'a RawValue,
}

/// The W3C trace context of an envelope, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeTrace {
    /// The id of the trace, 32 digits.
    pub trace_id: String,
    /// The id of the transport's span, 16 digits; not known for a replayed envelope.
    pub parent_id: Option<String>,
}

/// An element of a batch of envelopes.
#[derive(Clone, Debug)]
pub enum EnvelopeItem<'a> {
    /// The element has the shape of an envelope.
    Envelope(ProviderEnvelope<'a>),
    /// The element does not have the shape of an envelope. The rest of the batch is judged all the same.
    Malformed {
        /// The transport's name for the element, if that much could be read.
        envelope_id: Option<EnvelopeId>,
        /// An RFC 6901 pointer to the place in the item.
        pointer: String,
        /// The explanation for people.
        detail: String,
    },
}

words!(
    /// The outcome of an envelope, as a word; the better ones come first.
    EnvelopeOutcome {
        /// An update of the envelope moved a snapshot.
        Accepted = "accepted",
        /// The envelope was known already, or all that it says was held already.
        Duplicate = "duplicate",
        /// No reading of the envelope is newer than the held one.
        Stale = "stale",
        /// The envelope, or all of its updates, were refused.
        Rejected = "rejected",
        /// The envelope is understood, and carries no reading.
        Ignored = "ignored",
        /// The envelope is not understood. It is kept until it is.
        Quarantined = "quarantined",
    }
);

impl EnvelopeOutcome {
    /// Returns whether an envelope with this outcome can be interpreted again when somebody names it. Without a
    /// name only quarantined envelopes are.
    pub const fn can_be_replayed(self) -> bool {
        matches!(self, Self::Quarantined | Self::Rejected)
    }
}

/// The judgement of an envelope.
#[derive(Clone, Debug, PartialEq)]
pub enum EnvelopeVerdict {
    /// The updates of the envelope were judged one by one; never empty.
    Judged(Vec<(Item, Judged)>),
    /// The envelope's connection may not speak, so none of its updates was looked at.
    Refused {
        /// The refusal.
        rejection: Rejection,
        /// The updates that the envelope would have brought, each refused like it.
        updates: Vec<(Item, Judged)>,
    },
    /// The envelope is understood, and carries no reading.
    Ignored {
        /// The kind of message that it is instead: a `snake_case` word.
        reason: &'static str,
    },
    /// The envelope is not understood.
    Quarantined {
        /// The reason, a `snake_case` word.
        reason: &'static str,
        /// The explanation for people.
        detail: String,
    },
    /// An envelope with this id was there before.
    Repeated {
        /// The outcome of that envelope.
        first_outcome: EnvelopeOutcome,
    },
    /// The element does not have the shape of an envelope, or names one that is not there: nothing was kept
    /// of it.
    NoEnvelope(Rejection),
}

impl EnvelopeVerdict {
    /// Makes a refusal that takes the updates with it.
    pub fn refused(rejection: Rejection, updates: impl IntoIterator<Item = Item>) -> Self {
        let refused = |item| {
            let judged = Judged {
                device_id: None,
                verdict: Verdict::Rejected(rejection.clone()),
            };
            (item, judged)
        };
        Self::Refused {
            updates: updates.into_iter().map(refused).collect(),
            rejection,
        }
    }

    /// Returns the outcome as a word: of several updates, the best of theirs.
    pub fn outcome(&self) -> EnvelopeOutcome {
        match self {
            Self::Judged(updates) => {
                let words = updates.iter().map(|(_, judged)| judged.verdict.word());
                match words.min() {
                    Some(OutcomeWord::Accepted) => EnvelopeOutcome::Accepted,
                    Some(OutcomeWord::Duplicate) => EnvelopeOutcome::Duplicate,
                    Some(OutcomeWord::Stale) => EnvelopeOutcome::Stale,
                    Some(OutcomeWord::Rejected) | None => EnvelopeOutcome::Rejected,
                }
            }
            Self::Refused { .. } | Self::NoEnvelope(_) => EnvelopeOutcome::Rejected,
            Self::Ignored { .. } => EnvelopeOutcome::Ignored,
            Self::Quarantined { .. } => EnvelopeOutcome::Quarantined,
            Self::Repeated { .. } => EnvelopeOutcome::Duplicate,
        }
    }

    /// Returns why the envelope was rejected, ignored or quarantined; of several rejected updates, the reason
    /// of the first one.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Ignored { reason } | Self::Quarantined { reason, .. } => Some(reason),
            _ => self.rejection().map(|rejection| rejection.reason.as_str()),
        }
    }

    /// Returns the same for people.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Quarantined { detail, .. } => Some(detail),
            _ => self.rejection().map(|rejection| rejection.detail.as_str()),
        }
    }

    /// Returns the envelope's updates with the judgement of each, in the order of the message.
    pub fn updates(&self) -> &[(Item, Judged)] {
        match self {
            Self::Judged(updates) | Self::Refused { updates, .. } => updates,
            _ => &[],
        }
    }

    /// Takes the updates with their judgements out of the verdict.
    pub fn into_updates(self) -> Vec<(Item, Judged)> {
        match self {
            Self::Judged(updates) | Self::Refused { updates, .. } => updates,
            _ => Vec::new(),
        }
    }

    /// Returns the refusal that the outcome is, if it is one.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Refused { rejection, .. } | Self::NoEnvelope(rejection) => Some(rejection),
            Self::Judged(updates) if self.outcome() == EnvelopeOutcome::Rejected => updates
                .iter()
                .find_map(|(_, judged)| match &judged.verdict {
                    Verdict::Rejected(rejection) => Some(rejection),
                    _ => None,
                }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::acceptance::{Registry, RejectReason, admit_connection};
    use crate::fleet::ProviderMode;

    fn rejected(reason: RejectReason) -> Verdict {
        Verdict::Rejected(Rejection {
            reason,
            detail: reason.as_str().to_owned(),
            pointer: None,
        })
    }

    fn judged(verdicts: impl IntoIterator<Item = Verdict>) -> EnvelopeVerdict {
        let update = |verdict| {
            let item = Item::Malformed {
                pointer: String::new(),
                detail: String::new(),
            };
            let judged = Judged {
                device_id: None,
                verdict,
            };
            (item, judged)
        };
        EnvelopeVerdict::Judged(verdicts.into_iter().map(update).collect())
    }

    #[test]
    fn an_envelope_is_as_well_as_the_best_of_its_updates() {
        let accepted = Verdict::Accepted {
            observed_at: DateTime::UNIX_EPOCH,
            newer: Arc::default(),
            ignored: Vec::new(),
        };
        let unknown = rejected(RejectReason::UnknownDevice);
        let future = rejected(RejectReason::FutureTimestamp);
        for (verdicts, outcome, reason) in [
            (vec![unknown.clone(), accepted], "accepted", None),
            (vec![Verdict::Stale, Verdict::Duplicate], "duplicate", None),
            (vec![future.clone(), Verdict::Stale], "stale", None),
            (vec![future, unknown], "rejected", Some("future_timestamp")),
        ] {
            let envelope = judged(verdicts);
            assert_eq!(envelope.outcome().as_str(), outcome);
            assert_eq!(envelope.reason(), reason, "{outcome}");
            assert_eq!(envelope.detail(), reason, "{outcome}");
        }
    }

    /// The table's order: flags, then unknown, disabled, of another type.
    #[test]
    fn of_several_faults_of_a_connection_the_first_of_the_table_is_told() {
        let id = |text| ProviderId::try_new(text).expect("an id");
        let mut registry = Registry::default();
        registry.add_connection(id("sim"), ProviderType::DepotSim, true);
        registry.add_connection(id("off"), ProviderType::DepotSim, false);
        registry.add_connection(id("vc"), ProviderType::Viriciti, true);
        for (connection, claimed, mode, expected) in [
            ("sim", ProviderType::DepotSim, ProviderMode::Mixed, None),
            (
                "off",
                ProviderType::DepotSim,
                ProviderMode::LegacyProvider,
                Some(RejectReason::ProviderNotAllowed),
            ),
            (
                "nowhere",
                ProviderType::Viriciti,
                ProviderMode::DepotSim,
                Some(RejectReason::ProviderNotAllowed),
            ),
            (
                "nowhere",
                ProviderType::Viriciti,
                ProviderMode::Mixed,
                Some(RejectReason::UnknownConnection),
            ),
            (
                "off",
                ProviderType::Viriciti,
                ProviderMode::Mixed,
                Some(RejectReason::ConnectionDisabled),
            ),
            (
                "vc",
                ProviderType::DepotSim,
                ProviderMode::DepotSim,
                Some(RejectReason::ProviderTypeMismatch),
            ),
        ] {
            let admitted = admit_connection(&id(connection), Some(claimed), &registry, mode);
            let reason = admitted.err().map(|rejection| rejection.reason);
            assert_eq!(reason, expected, "{connection} {claimed} {mode}");
        }
    }

    #[test]
    fn a_refusal_refuses_every_update() {
        let Verdict::Rejected(rejection) = rejected(RejectReason::ConnectionDisabled) else {
            unreachable!("it is a rejection")
        };
        let updates = judged([Verdict::Stale, Verdict::Duplicate]);
        let items = updates.updates().iter().map(|(item, _)| item.clone());
        let envelope = EnvelopeVerdict::refused(rejection, items);
        assert_eq!(envelope.outcome(), EnvelopeOutcome::Rejected);
        assert_eq!(envelope.reason(), Some("connection_disabled"));
        let words = envelope.updates().iter().map(|(_, one)| one.verdict.word());
        assert_eq!(words.collect::<Vec<_>>(), [OutcomeWord::Rejected; 2]);
    }
}
