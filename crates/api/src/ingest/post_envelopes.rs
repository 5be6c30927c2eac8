//! `POST /workspaces/{workspace_id}/provider-ingest`

use application::commands::{EnvelopeBatch, accept_envelopes};
use axum::Json;
use axum::extract::State;
use domain::envelopes::EnvelopeItem;
use domain::ids::{EnvelopeId, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::BODY_LIMIT;
use super::envelope::{ReadEnvelope, read_envelope};
use super::envelope_results::{EnvelopeResult, EnvelopeSummary, shown};
use super::post_updates::refused;
use crate::access::Caller;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody, read_json};
use crate::state::SharedState;

/// Envelopes of one batch, at most.
const ENVELOPES_AT_MOST: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    #[serde(borrow)]
    envelopes: Vec<&'a RawValue>,
}

/// What a batch of envelopes looks like; read item by item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the documented shape of a body that is read item by item"
)]
pub(crate) struct ProviderIngestRequest {
    #[schema(min_items = 1, max_items = 1_000)]
    envelopes: Vec<ProviderEnvelopeBody>,
}

/// A provider's raw message, with what the transport that received it knows of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "envelope_id": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a", "provider_type": "viriciti", "provider_id": "viriciti-main",
    "received_at": "2026-11-23T08:00:01.250Z", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "raw_message": {"type": "vehicles", "payload": {"vid": "demo_001", "label": "soc", "value": 72.8, "time": 1_795_420_500_000_u64}},
}))]
#[expect(
    dead_code,
    reason = "the documented shape of an item that is read leniently"
)]
pub(crate) struct ProviderEnvelopeBody {
    /// The transport's own name for the message: sent again, it is the same envelope.
    #[schema(value_type = schema::EnvelopeId)]
    envelope_id: EnvelopeId,
    #[schema(value_type = schema::ProviderType)]
    provider_type: String,
    #[schema(value_type = schema::ProviderId)]
    provider_id: String,
    /// RFC 3339 with an offset: when the transport received the message.
    received_at: chrono::DateTime<chrono::Utc>,
    /// W3C trace context of the message. One that is not well formed counts as none.
    traceparent: Option<String>,
    /// What the provider sent: JSON, or a string that holds its text.
    raw_message: serde_json::Value,
}

/// What became of a batch of envelopes.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderIngestAnswer {
    summary: EnvelopeSummary,
    /// In the order of the batch.
    results: Vec<EnvelopeResult>,
}

/// Takes in raw messages of providers, each once; each has its own outcome.
///
/// A message is interpreted here. What is not understood is kept in quarantine, and can be replayed after a
/// fix. What is malformed is not kept: it can be sent again under the same id.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-ingest", tag = "ingest",
    request_body = ProviderIngestRequest,
    extensions(("x-problems" = json!(["workspace-inactive"]))),
    responses((status = 200, body = ProviderIngestAnswer), (status = 409, description = "the workspace is inactive")),
)]
pub(crate) async fn post_envelopes(
    State(state): SharedState,
    caller: Caller,
    Path1(workspace_id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    RawBody(bytes): RawBody<BODY_LIMIT>,
) -> Result<Json<ProviderIngestAnswer>, Problem> {
    let body: Body<'_> = read_json(&bytes)?;
    match body.envelopes.len() {
        0 => {
            let error = FieldError::pointer("/envelopes", "must have at least one envelope");
            return Err(Problem::invalid(vec![error]));
        }
        1..=ENVELOPES_AT_MOST => {}
        _ => {
            return Err(Problem::of(ProblemKind::PAYLOAD_TOO_LARGE)
                .detail(format!("a batch may have {ENVELOPES_AT_MOST} envelopes")));
        }
    }
    let read = body.envelopes.into_iter().map(read_envelope);
    let (ids, items): (Vec<Option<EnvelopeId>>, Vec<EnvelopeItem<'_>>) =
        read.map(|ReadEnvelope { id, item }| (id, item)).unzip();
    let batch = EnvelopeBatch {
        workspace_id: &workspace_id,
        items: &items,
        trace_id: caller.author().trace_id,
    };
    let verdicts = accept_envelopes(&state.core, batch)
        .await
        .map_err(refused)?;
    let (summary, results) = shown(ids.into_iter().zip(verdicts));
    Ok(Json(ProviderIngestAnswer { summary, results }))
}
