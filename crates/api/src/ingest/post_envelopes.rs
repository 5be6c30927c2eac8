//! `POST /workspaces/{workspace_id}/provider-ingest`

use application::commands::{EnvelopeBatch, accept_envelopes};
use axum::Json;
use axum::extract::State;
use contract::provider_ingest::{ProviderIngestAnswer, ProviderIngestRequest};
use domain::envelopes::EnvelopeItem;
use domain::ids::WorkspaceId;
use serde_json::value::RawValue;

use super::BODY_LIMIT;
use super::envelope::parse_envelope;
use super::envelope_results::render_envelopes;
use super::post_updates::render_batch_refusal;
use crate::access::Caller;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody, parse_json};
use crate::state::SharedState;

/// The largest number of envelopes in a batch.
const MAX_ENVELOPES: usize = 1_000;

/// The body of a request, whose envelopes are parsed one by one.
type EnvelopesBody<'a> = ProviderIngestRequest<Vec<&'a RawValue>>;

/// Accepts a batch of raw messages of providers. Each envelope id is processed once and has its own outcome.
///
/// The service interprets each message. A message that it cannot interpret is kept in quarantine and can be
/// replayed after a fix. A malformed envelope is not kept and can be sent again under the same id.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-ingest", tag = "ingest",
    request_body = EnvelopesBody,
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
    let body: EnvelopesBody<'_> = parse_json(&bytes)?;
    match body.envelopes.len() {
        0 => {
            let error = FieldError::pointer("/envelopes", "must have at least one envelope");
            return Err(Problem::invalid(vec![error]));
        }
        1..=MAX_ENVELOPES => {}
        _ => {
            return Err(Problem::of(ProblemKind::PAYLOAD_TOO_LARGE)
                .detail(format!("a batch may have {MAX_ENVELOPES} envelopes")));
        }
    }
    let items: Vec<EnvelopeItem<'_>> = body.envelopes.into_iter().map(parse_envelope).collect();
    let batch = EnvelopeBatch {
        workspace_id: &workspace_id,
        items: &items,
        trace_id: caller.author().trace_id,
    };
    let judged = accept_envelopes(&state.core, batch)
        .await
        .map_err(render_batch_refusal)?;
    let (summary, results) = render_envelopes(judged);
    Ok(Json(ProviderIngestAnswer { summary, results }))
}
