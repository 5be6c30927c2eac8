//! The quarantine: provider envelopes that were not understood, and which of them a replay takes.

use chrono::{DateTime, Utc};

use crate::fleet::ProviderType;
use crate::ids::{EnvelopeId, ProviderId};

/// An envelope that waits in quarantine until an interpreter understands it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantinedEnvelope {
    /// The envelope's id.
    pub envelope_id: EnvelopeId,
    /// The protocol that the message is said to be of.
    pub provider_type: ProviderType,
    /// The connection that the envelope came through.
    pub provider_id: ProviderId,
    /// The instant at which the transport received the message.
    pub received_at: DateTime<Utc>,
    /// The instant at which core recorded the envelope.
    pub recorded_at: DateTime<Utc>,
    /// The W3C trace id of the message, or of the request that brought it.
    pub trace_id: Option<String>,
    /// The reason for which the message was not understood, as a word.
    pub reason: Option<String>,
    /// The same reason for people.
    pub detail: Option<String>,
    /// The instant of the latest replay that did not understand the message either.
    pub replayed_at: Option<DateTime<Utc>>,
    /// The beginning of the message.
    pub raw_message: String,
    /// The size of the whole message in bytes.
    pub raw_message_bytes: i32,
}

/// The envelopes that a replay interprets again, in order of id.
#[derive(Clone, Copy, Debug)]
pub struct ReplaySelection<'a> {
    /// Only envelopes after this one.
    pub after: Option<EnvelopeId>,
    /// The envelopes that were asked for.
    pub which: EnvelopeChoice<'a>,
}

/// The ways to ask for envelopes of a replay.
#[derive(Clone, Copy, Debug)]
pub enum EnvelopeChoice<'a> {
    /// Envelopes in quarantine.
    Quarantined {
        /// Only envelopes of this connection.
        provider_id: Option<&'a ProviderId>,
        /// Only envelopes with this reason.
        reason: Option<&'a str>,
        /// The largest number of envelopes to take.
        limit: i64,
    },
    /// These envelopes, as far as they are in quarantine or were rejected.
    Named(&'a [EnvelopeId]),
}
