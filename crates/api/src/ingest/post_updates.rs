//! `POST /workspaces/{workspace_id}/ingest`

use application::commands::{AcceptError, Push};
use axum::Json;
use axum::extract::State;
use contract::ingest::IngestAnswer;
use domain::ids::WorkspaceId;

use super::BODY_LIMIT;
use super::batch::{UpdatesBody, parse_batch};
use super::update_results::render_results;
use crate::access::Caller;
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, Path1, RawBody};
use crate::state::SharedState;

/// Accepts a batch of updates of one workspace. Each update has its own outcome.
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
    let push = Push {
        updates: parse_batch(&bytes)?,
        prepared_at: state.core.clock.now(),
        trace_id: caller.author().trace_id.map(str::to_owned),
    };
    let judged = state.pushes.accept(&state.core, &workspace_id, push).await;
    Ok(Json(render_results(judged.map_err(render_batch_refusal)?)))
}

/// Returns the problem for a batch that is refused as a whole.
pub(crate) fn render_batch_refusal(error: AcceptError) -> Problem {
    match error {
        AcceptError::UnknownWorkspace => Problem::not_found("workspace"),
        AcceptError::InactiveWorkspace => Problem::of(ProblemKind::WORKSPACE_INACTIVE),
        // A push holds no lease, so it cannot lose one.
        AcceptError::LeaseLost => Problem::of(ProblemKind::INTERNAL),
        AcceptError::Storage(error) => error.into(),
        AcceptError::Broken(error) => error.into(),
    }
}
