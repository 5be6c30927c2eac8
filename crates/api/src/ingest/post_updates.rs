//! `POST /workspaces/{workspace_id}/ingest`

use std::sync::Arc;

use application::commands::{AcceptError, Push};
use axum::Json;
use axum::extract::State;
use domain::acceptance::{Address, Item, Judged, OutcomeWord, Verdict};
use domain::ids::WorkspaceId;
use domain::signals::DroppedSignal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BODY_LIMIT;
use super::batch::read_batch;
use super::item::ReadItem;
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody};
use crate::state::SharedState;

/// What a batch looks like; read item by item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the documented shape of a body that is read item by item"
)]
pub(crate) struct IngestRequest {
    #[schema(min_items = 1, max_items = 10_000)]
    updates: Vec<IngestUpdate>,
}

/// One reading of one device: named by `device_id`, or by `provider_id` and `external_id`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "device_id": "bus-1401-obu", "observed_at": "2026-11-23T08:00:00.000Z", "message_id": "m-1",
    "signals": {"state_of_charge_percent": 71.5, "odometer_km": 88526.4},
}))]
#[expect(
    dead_code,
    reason = "the documented shape of an item that is read leniently"
)]
pub(crate) struct IngestUpdate {
    #[schema(value_type = Option<schema::DeviceId>)]
    device_id: Option<String>,
    #[schema(value_type = Option<schema::ProviderId>)]
    provider_id: Option<String>,
    #[schema(value_type = Option<schema::ExternalId>)]
    external_id: Option<String>,
    /// RFC 3339 with an offset: the provider's event time.
    observed_at: chrono::DateTime<chrono::Utc>,
    /// Echoed back.
    #[schema(example = "m-1")]
    message_id: Option<String>,
    #[schema(value_type = schema::Signals)]
    signals: serde_json::Value,
}

/// What became of a batch.
#[derive(Serialize, ToSchema)]
pub(crate) struct IngestAnswer {
    summary: IngestSummary,
    /// In the order of the batch.
    results: Vec<UpdateResult>,
}

/// Counts of the outcomes.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct IngestSummary {
    #[schema(example = 1)]
    received: usize,
    #[schema(example = 1)]
    accepted: usize,
    #[schema(example = 0)]
    duplicate: usize,
    #[schema(example = 0)]
    stale: usize,
    #[schema(example = 0)]
    rejected: usize,
}

/// A signal that was left out of an update while the rest of it lived.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the documented shape of `domain::signals::DroppedSignal`"
)]
pub(crate) struct DroppedSignalView {
    /// As the sender named it, cut to 64 characters.
    #[schema(example = "speed_kmh")]
    signal: String,
    #[schema(value_type = schema::DropReason)]
    reason: String,
}

/// What became of one update.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1401-obu", "message_id": "m-1",
    "ignored_signals": [], "dropped_signals": [{"signal": "speed_kmh", "reason": "out_of_range"}],
}))]
pub(crate) struct UpdateResult {
    index: usize,
    #[schema(value_type = schema::UpdateOutcome)]
    outcome: OutcomeWord,
    #[schema(required, value_type = Option<schema::RejectReason>)]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// RFC 6901 pointer within the item, where it is malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[schema(required, value_type = Option<schema::DeviceId>)]
    device_id: Option<String>,
    #[schema(required, example = "m-1")]
    message_id: Option<String>,
    /// Signals that were not newer than what is held.
    #[schema(value_type = Vec<schema::SignalName>)]
    ignored_signals: Vec<&'static str>,
    /// Signals that the catalogue does not allow as they came.
    #[schema(value_type = Vec<DroppedSignalView>)]
    dropped_signals: Vec<DroppedSignal>,
}

/// Accepts a batch of updates of one workspace; each item has its own outcome.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/ingest", tag = "ingest",
    request_body = IngestRequest,
    extensions(("x-problems" = json!(["workspace-inactive"]))),
    responses((status = 200, body = IngestAnswer), (status = 409, description = "the workspace is inactive")),
)]
pub(crate) async fn post_updates(
    State(state): SharedState,
    caller: Caller,
    Path1(workspace_id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    RawBody(bytes): RawBody<BODY_LIMIT>,
) -> Result<Json<IngestAnswer>, Problem> {
    let (items, message_ids): (Vec<Item>, Vec<Option<String>>) = read_batch(&bytes)?
        .into_iter()
        .map(|ReadItem { item, message_id }| (item, message_id))
        .unzip();
    let push = Arc::new(Push {
        items,
        prepared_at: state.core.clock.now(),
        trace_id: caller.author().trace_id.map(str::to_owned),
    });
    let judged = state
        .pushes
        .accept(&state.core, &workspace_id, Arc::clone(&push))
        .await
        .map_err(refused)?;
    let Push { items, .. } = Arc::unwrap_or_clone(push);
    Ok(Json(answer(items, message_ids, judged)))
}

/// Why a batch was refused whole.
pub(crate) fn refused(error: AcceptError) -> Problem {
    match error {
        AcceptError::UnknownWorkspace => Problem::not_found("workspace"),
        AcceptError::InactiveWorkspace => Problem::of(ProblemKind::WORKSPACE_INACTIVE),
        // A push holds no lease, so it cannot lose one.
        AcceptError::LeaseLost => Problem::of(ProblemKind::INTERNAL),
        AcceptError::Storage(error) => error.into(),
    }
}

fn answer(items: Vec<Item>, message_ids: Vec<Option<String>>, judged: Vec<Judged>) -> IngestAnswer {
    let mut summary = IngestSummary {
        received: items.len(),
        ..IngestSummary::default()
    };
    let results = items
        .into_iter()
        .zip(message_ids)
        .zip(judged)
        .enumerate()
        .map(|(index, ((item, message_id), judged))| {
            let outcome = judged.verdict.word();
            *match outcome {
                OutcomeWord::Accepted => &mut summary.accepted,
                OutcomeWord::Duplicate => &mut summary.duplicate,
                OutcomeWord::Stale => &mut summary.stale,
                OutcomeWord::Rejected => &mut summary.rejected,
            } += 1;
            result(index, item, message_id, judged)
        })
        .collect();
    IngestAnswer { summary, results }
}

/// Shows what became of one update.
pub(super) fn result(
    index: usize,
    item: Item,
    message_id: Option<String>,
    judged: Judged,
) -> UpdateResult {
    let outcome = judged.verdict.word();
    let (named, dropped_signals) = match item {
        Item::Update(update) => (named_device(update.address), update.dropped),
        Item::Malformed { .. } => (None, Vec::new()),
    };
    let mut result = UpdateResult {
        index,
        outcome,
        reason: None,
        detail: None,
        pointer: None,
        device_id: judged.device_id.map(|id| id.to_string()).or(named),
        message_id,
        ignored_signals: Vec::new(),
        dropped_signals,
    };
    match judged.verdict {
        Verdict::Accepted { ignored, .. } => {
            result.ignored_signals = ignored
                .into_iter()
                .map(domain::signals::Signal::name)
                .collect();
        }
        Verdict::Rejected(rejection) => {
            result.reason = Some(rejection.reason.as_str());
            result.detail = Some(rejection.detail);
            result.pointer = rejection.pointer;
        }
        Verdict::Duplicate | Verdict::Stale => {}
    }
    result
}

fn named_device(address: Address) -> Option<String> {
    match address {
        Address::Device { device_id, .. } => Some(device_id.to_string()),
        Address::External { .. } => None,
    }
}
