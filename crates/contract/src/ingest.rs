//! `POST /workspaces/{workspace_id}/ingest`: a batch of updates.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::component;

/// A batch of updates: 1 to 10,000 of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
pub struct IngestRequest<Updates> {
    /// The updates. Each has an outcome of its own.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<component::DocumentedUpdate>, min_items = 1, max_items = 10_000)
    )]
    pub updates: Updates,
}

/// One reading of one device: named by `device_id`, or by `provider_id` and `external_id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(
        bound = "",
        example = json!({
            "device_id": "bus-1401-obu", "observed_at": "2026-11-23T08:00:00.000Z", "message_id": "m-1",
            "signals": {"state_of_charge_percent": 71.5, "odometer_km": 88526.4},
        })
    )
)]
pub struct IngestUpdate<'a, Signals> {
    /// The device that was read.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<component::DeviceId>))]
    pub device_id: Option<Cow<'a, str>>,
    /// The provider connection that the device speaks through.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<component::ProviderId>))]
    pub provider_id: Option<Cow<'a, str>>,
    /// The device's name at its provider.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<component::ExternalId>))]
    pub external_id: Option<Cow<'a, str>>,
    /// The provider's event time: RFC 3339 with an offset.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    // An update without a time is read, and rejected as an item.
    #[cfg_attr(feature = "openapi", schema(required, value_type = String, format = DateTime))]
    pub observed_at: Option<Cow<'a, str>>,
    /// The sender's name for the update, which the answer repeats.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(example = "m-1"))]
    pub message_id: Option<Cow<'a, str>>,
    /// The readings by signal.
    #[cfg_attr(feature = "openapi", schema(value_type = component::Signals))]
    pub signals: Signals,
}

/// The answer to a batch of updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(bound = ""))]
pub struct IngestAnswer<Results = Vec<UpdateResult<'static>>> {
    /// How many updates had which outcome.
    pub summary: IngestSummary,
    /// The outcome of each update, in the order of the batch.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<UpdateResult<'static>>))]
    pub results: Results,
}

/// The number of updates by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IngestSummary {
    /// All updates of the batch.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub received: usize,
    /// Updates that moved a snapshot.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub accepted: usize,
    /// Updates that repeat what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub duplicate: usize,
    /// Updates with nothing newer than what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub stale: usize,
    /// Updates that were refused.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub rejected: usize,
}

/// The outcome of one update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(example = json!({
        "index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1401-obu", "message_id": "m-1",
        "ignored_signals": [], "dropped_signals": [{"signal": "speed_kmh", "reason": "out_of_range"}],
    }))
)]
pub struct UpdateResult<'a> {
    /// The update's place in the batch, from 0.
    pub index: usize,
    /// What became of the update.
    #[cfg_attr(feature = "openapi", schema(value_type = component::UpdateOutcome))]
    pub outcome: Cow<'a, str>,
    /// Why the update was rejected.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<component::RejectReason>))]
    pub reason: Option<Cow<'a, str>>,
    /// The reason in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'a, str>>,
    /// RFC 6901 pointer to the member of the update that is malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Cow<'a, str>>,
    /// The device that the update is about, if it is known.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<component::DeviceId>))]
    pub device_id: Option<Cow<'a, str>>,
    /// The sender's name for the update.
    #[cfg_attr(feature = "openapi", schema(required, example = "m-1"))]
    pub message_id: Option<Cow<'a, str>>,
    /// Signals that were not newer than what is held.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<component::SignalName>))]
    pub ignored_signals: Vec<Cow<'a, str>>,
    /// Signals that the catalogue does not allow as they came.
    pub dropped_signals: Vec<DroppedSignalView<'a>>,
}

/// A signal that was left out of an update, of which the other signals were taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DroppedSignalView<'a> {
    /// The signal as the sender named it, cut to 64 characters.
    #[cfg_attr(feature = "openapi", schema(example = "speed_kmh"))]
    pub signal: Cow<'a, str>,
    /// Why the signal was left out.
    #[cfg_attr(feature = "openapi", schema(value_type = component::DropReason))]
    pub reason: Cow<'a, str>,
}
