//! `POST /workspaces/{workspace_id}/ingest`

use std::sync::Arc;

use application::commands::{AcceptError, Push};
use axum::Json;
use axum::extract::State;
use contract::ingest::IngestAnswer;
use domain::acceptance::Item;
use domain::ids::WorkspaceId;

use super::BODY_LIMIT;
use super::batch::{UpdatesBody, read_batch};
use super::item::ReadItem;
use super::update_results::render_results;
use crate::access::Caller;
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody};
use crate::state::SharedState;

/// Accepts a batch of updates of one workspace; each item has its own outcome.
#[utoipa::path(
    post, path = "/api/telematics-mvp/workspaces/{workspace_id}/ingest", tag = "ingest",
    request_body = UpdatesBody,
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
        .map_err(batch_refusal)?;
    let Push { items, .. } = Arc::unwrap_or_clone(push);
    Ok(Json(render_results(items, message_ids, judged)))
}

/// Returns the problem that a batch is refused with as a whole.
pub(crate) fn batch_refusal(error: AcceptError) -> Problem {
    match error {
        AcceptError::UnknownWorkspace => Problem::not_found("workspace"),
        AcceptError::InactiveWorkspace => Problem::of(ProblemKind::WORKSPACE_INACTIVE),
        // A push holds no lease, so it cannot lose one.
        AcceptError::LeaseLost => Problem::of(ProblemKind::INTERNAL),
        AcceptError::Storage(error) => error.into(),
    }
}
