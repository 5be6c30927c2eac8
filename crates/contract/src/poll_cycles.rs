//! `POST /poll-cycles` and `GET /workspaces/{workspace_id}/poll-cycles`: triggers, and records of cycles.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "openapi")]
use crate::component;

/// A trigger of a poll cycle, as the scheduler sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollCycleRequest<'a> {
    /// The workspace whose providers are to be polled.
    #[serde(borrow)]
    #[cfg_attr(feature = "openapi", schema(value_type = component::WorkspaceId))]
    pub workspace_id: Cow<'a, str>,
    /// The minute of the schedule's slot. Without it, a cycle is run now.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(format = DateTime, example = "2026-11-23T08:04:00Z")
    )]
    pub scheduled_time: Option<Cow<'a, str>>,
    /// The scheduler's name of the schedule.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(
            pattern = "^[^\\u0000]*$",
            example = "arn:aws:scheduler:eu-central-1:123456789012:schedule/telematics/depot-north"
        )
    )]
    pub schedule_arn: Option<Cow<'a, str>>,
    /// The scheduler's name of this firing of the schedule.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(
        feature = "openapi",
        schema(
            pattern = "^[^\\u0000]*$",
            example = "d32c5e9c-7d0b-4c43-9f0a-2f1f7a1c8f5e"
        )
    )]
    pub execution_id: Option<Cow<'a, str>>,
    /// The number of the scheduler's attempt, as text.
    #[serde(
        borrow,
        default,
        deserialize_with = "crate::borrowed::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\u0000]*$", example = "1"))]
    pub attempt: Option<Cow<'a, str>>,
}

/// The answer to a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollCycleAnswer<'a> {
    /// The workspace of the cycle.
    #[cfg_attr(feature = "openapi", schema(value_type = component::WorkspaceId))]
    pub workspace_id: Cow<'a, str>,
    /// What became of the trigger: `queued`, `duplicate`, `skipped` or `expired`; an open vocabulary.
    #[cfg_attr(feature = "openapi", schema(example = "queued"))]
    pub outcome: Cow<'a, str>,
    /// Why no cycle was queued.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<component::SkipReason>))]
    pub reason: Option<Cow<'a, str>>,
    /// The cycle that was recorded, or that the trigger is a duplicate of.
    #[cfg_attr(feature = "openapi", schema(value_type = component::CycleId))]
    pub cycle_id: Cow<'a, str>,
    /// How far that cycle has come.
    #[cfg_attr(feature = "openapi", schema(value_type = component::CycleStatus))]
    pub status: Cow<'a, str>,
    /// The slot's minute; null for a cycle that was asked for by hand.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub scheduled_time: Option<Cow<'a, str>>,
    /// When the cycle may start.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub due_at: Cow<'a, str>,
}

/// A page of a workspace's cycles, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollCycleList<'a> {
    /// The cycles of the page.
    pub poll_cycles: Vec<PollCycleRecord<'a>>,
    /// The cursor of the next page, if there is one.
    #[cfg_attr(feature = "openapi", schema(required, example = json!(null)))]
    pub next_cursor: Option<Cow<'a, str>>,
}

/// The record of one poll cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollCycleRecord<'a> {
    /// The cycle's id.
    #[cfg_attr(feature = "openapi", schema(value_type = component::CycleId))]
    pub cycle_id: Cow<'a, str>,
    /// What set the cycle off.
    #[cfg_attr(feature = "openapi", schema(value_type = component::CycleTrigger))]
    pub trigger: Cow<'a, str>,
    /// How far the cycle has come.
    #[cfg_attr(feature = "openapi", schema(value_type = component::CycleStatus))]
    pub status: Cow<'a, str>,
    /// The slot's minute; null for a cycle that was asked for by hand.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub scheduled_time: Option<Cow<'a, str>>,
    /// When the cycle may start.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub due_at: Cow<'a, str>,
    /// When an instance first took the cycle.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub started_at: Option<Cow<'a, str>>,
    /// When the cycle ended.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub ended_at: Option<Cow<'a, str>>,
    /// W3C trace id of the cycle.
    #[cfg_attr(
        feature = "openapi",
        schema(required, example = "0af7651916cd43dd8448eb211c80319c")
    )]
    pub trace_id: Option<Cow<'a, str>>,
    /// Why the cycle was not run to its end.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<component::SkipReason>))]
    pub reason: Option<Cow<'a, str>>,
    /// When the cycle's slot was found to have had no trigger. A recovery cycle, which makes up for the slot,
    /// has this time too.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub missed_at: Option<Cow<'a, str>>,
    /// What each polled connection gave.
    pub connections: Vec<ConnectionPollRecord<'a>>,
    /// What each stream connection brought since the last cycle; empty until the cycle has ended.
    pub streams: Vec<StreamRecord<'a>>,
    /// What happened to the cycle, in order of time.
    pub timeline: Vec<TimelineEntry<'a>>,
}

/// The record of one connection's poll in a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionPollRecord<'a> {
    /// The connection that was polled.
    #[cfg_attr(feature = "openapi", schema(value_type = component::ProviderId))]
    pub provider_id: Cow<'a, str>,
    /// How the poll ended.
    #[cfg_attr(feature = "openapi", schema(value_type = component::PollOutcome))]
    pub outcome: Cow<'a, str>,
    /// Why the poll failed or was skipped.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<PollErrorRecord<'a>>,
    /// Active devices of the connection.
    #[cfg_attr(feature = "openapi", schema(example = 60))]
    pub devices_expected: u32,
    /// Expected devices that the provider's answer names.
    #[cfg_attr(feature = "openapi", schema(example = 58))]
    pub returned: u32,
    /// Expected devices that the provider's answer does not name; at most 100 of them.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<component::DeviceId>))]
    pub missing: Vec<Cow<'a, str>>,
    /// Returned devices that brought nothing new.
    #[cfg_attr(feature = "openapi", schema(example = 20))]
    pub unchanged: u32,
    /// Updates that moved a snapshot.
    #[cfg_attr(feature = "openapi", schema(example = 38))]
    pub accepted: u32,
    /// Updates that repeat what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub duplicate: u32,
    /// Updates with nothing newer than what is held.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub stale: u32,
    /// The number of rejected updates by reason.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = BTreeMap<String, u32>, example = json!({"future_timestamp": 1}))
    )]
    pub rejected: BTreeMap<Cow<'a, str>, u32>,
    /// How often the provider was asked.
    #[cfg_attr(feature = "openapi", schema(example = 1))]
    pub attempts: u32,
    /// How long the poll took.
    #[cfg_attr(feature = "openapi", schema(example = 812))]
    pub duration_ms: u32,
}

/// Why a connection's poll failed or was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PollErrorRecord<'a> {
    /// The kind of failure.
    #[cfg_attr(feature = "openapi", schema(value_type = component::PollErrorClass))]
    pub class: Cow<'a, str>,
    /// The failure in words for people.
    #[cfg_attr(feature = "openapi", schema(example = "the provider answered 429"))]
    pub detail: Cow<'a, str>,
}

/// The record of what one connection's stream brought since the last cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamRecord<'a> {
    /// The connection that streams.
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = component::ProviderId, example = "viriciti-main")
    )]
    pub provider_id: Cow<'a, str>,
    /// New envelopes, whatever their outcome.
    #[cfg_attr(feature = "openapi", schema(example = 300))]
    pub envelopes: u64,
    /// Envelopes with an update that moved a snapshot.
    #[cfg_attr(feature = "openapi", schema(example = 280))]
    pub accepted: u64,
    /// Envelopes that were not understood.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub quarantined: u64,
    /// When the transport received the newest envelope that ever came.
    #[cfg_attr(feature = "openapi", schema(required, format = DateTime))]
    pub last_received_at: Option<Cow<'a, str>>,
}

/// Something that happened to a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEntry<'a> {
    /// When it happened.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub at: Cow<'a, str>,
    /// What happened: the name of its event, or `ProviderConnectionPolled`; an open vocabulary.
    #[cfg_attr(feature = "openapi", schema(example = "ProviderConnectionPolled"))]
    pub event: Cow<'a, str>,
    /// The connection that was polled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<component::ProviderId>))]
    pub provider_id: Option<Cow<'a, str>>,
    /// How the connection's poll, or the cycle, ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "ok"))]
    pub outcome: Option<Cow<'a, str>>,
}
