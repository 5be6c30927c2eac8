//! `POST /workspaces/{workspace_id}/provider-ingest`: raw messages of providers, forwarded by a transport.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::component;
use crate::ingest::UpdateResult;

/// A batch of envelopes: 1 to 1,000 of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
pub struct ProviderIngestRequest<Envelopes> {
    /// The envelopes. Each has an outcome of its own.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<component::DocumentedEnvelope>, min_items = 1, max_items = 1_000)
    )]
    pub envelopes: Envelopes,
}

/// A provider's raw message, with what the transport that received it knows about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(
        bound = "",
        example = json!({
            "envelope_id": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a", "provider_type": "viriciti", "provider_id": "viriciti-main",
            "received_at": "2026-11-23T08:00:01.250Z", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "raw_message": {"type": "vehicles", "payload": {"vid": "demo_001", "label": "soc", "value": 72.8, "time": 1_795_420_500_000_u64}},
        })
    )
)]
pub struct ProviderEnvelopeBody<'a, Message> {
    /// The transport's own name for the message: sent again, it is the same envelope.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = component::EnvelopeId))]
    pub envelope_id: Cow<'a, str>,
    /// The protocol that the message is in.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = component::ProviderType))]
    pub provider_type: Cow<'a, str>,
    /// The provider connection that the message came through.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = component::ProviderId))]
    pub provider_id: Cow<'a, str>,
    /// When the transport received the message: RFC 3339 with an offset.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub received_at: Cow<'a, str>,
    /// W3C trace context of the message. One that is not well formed counts as none.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<Cow<'a, str>>,
    /// The message as the provider sent it: JSON, or a string that holds its text.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub raw_message: Message,
}

/// The answer to a batch of envelopes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
pub struct ProviderIngestAnswer<Results = Vec<EnvelopeResult<'static>>> {
    /// How many envelopes had which outcome.
    pub summary: EnvelopeSummary,
    /// The outcome of each envelope, in the order of the batch.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<EnvelopeResult<'static>>))]
    pub results: Results,
}

/// The number of envelopes by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvelopeSummary {
    /// All envelopes of the batch.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub received: usize,
    /// Envelopes with an update that moved a snapshot.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub accepted: usize,
    /// Envelopes that were there before, or that repeat what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub duplicate: usize,
    /// Envelopes with nothing newer than what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub stale: usize,
    /// Envelopes that were refused.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub rejected: usize,
    /// Envelopes that were understood and carry no reading.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub ignored: usize,
    /// Envelopes that were not understood.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub quarantined: usize,
}

/// The outcome of one envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!({
        "index": 0, "envelope_id": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a", "outcome": "accepted", "reason": null,
        "updates": [{
            "index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1401-obu", "message_id": null,
            "ignored_signals": [], "dropped_signals": [],
        }],
    }))
)]
pub struct EnvelopeResult<'a> {
    /// The envelope's place in the batch, from 0.
    pub index: usize,
    /// The envelope's id, if it could be read.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<component::EnvelopeId>))]
    pub envelope_id: Option<Cow<'a, str>>,
    /// What became of the envelope.
    #[cfg_attr(feature = "openapi", schema(value_type = component::EnvelopeOutcome))]
    pub outcome: Cow<'a, str>,
    /// Why the envelope was rejected, ignored or quarantined: a word of an open vocabulary. If several updates
    /// were rejected, the reason of the first one.
    #[cfg_attr(feature = "openapi", schema(required, example = json!(null)))]
    pub reason: Option<Cow<'a, str>>,
    /// The reason in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
    /// RFC 6901 pointer to the member of the envelope that is malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Cow<'a, str>>,
    /// What became of the envelope of this id when it came first, if it was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<component::EnvelopeOutcome>))]
    pub first_outcome: Option<Cow<'a, str>>,
    /// The outcome of each update that the envelope carries, in the order of the message.
    pub updates: Vec<UpdateResult<'a>>,
}
