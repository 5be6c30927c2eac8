//! `POST /workspaces/{workspace_id}/provider-ingest`

use application::commands::{EnvelopeBatch, accept_envelopes};
use axum::Json;
use axum::extract::State;
use contract::provider_ingest::{ProviderIngestAnswer, ProviderIngestRequest};
use domain::envelopes::EnvelopeItem;
use domain::ids::WorkspaceId;
use serde_json::value::RawValue;

use super::BODY_LIMIT;
use super::envelope::read_envelope;
use super::envelope_results::render_envelopes;
use super::post_updates::batch_refusal;
use crate::access::Caller;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody, read_json};
use crate::state::SharedState;

/// The number of envelopes that a batch may have.
const MAX_ENVELOPES: usize = 1_000;

/// The body of a request, whose envelopes are read one by one.
type EnvelopesBody<'a> = ProviderIngestRequest<Vec<&'a RawValue>>;

/// Takes in raw messages of providers, each once; each has its own outcome.
///
/// A message is interpreted here. What is not understood is kept in quarantine, and can be replayed after a
/// fix. What is malformed is not kept: it can be sent again under the same id.
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
    let body: EnvelopesBody<'_> = read_json(&bytes)?;
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
    let items: Vec<EnvelopeItem<'_>> = body.envelopes.into_iter().map(read_envelope).collect();
    let batch = EnvelopeBatch {
        workspace_id: &workspace_id,
        items: &items,
        trace_id: caller.author().trace_id,
    };
    let judged = accept_envelopes(&state.core, batch)
        .await
        .map_err(batch_refusal)?;
    let (summary, results) = render_envelopes(judged);
    Ok(Json(ProviderIngestAnswer { summary, results }))
}
