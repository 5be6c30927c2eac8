//! `GET /workspaces/{workspace_id}/poll-cycles[/{cycle_id}]`

use application::queries;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contract::poll_cycles::{PollCycleList, PollCycleRecord};
use domain::ids::{CycleId, WorkspaceId};

use super::record::render_cycle;
use crate::problem::Problem;
use crate::request::{ListName, NoQuery, PageParameters, Paged, Path1, Path2, Query};
use crate::state::SharedState;

/// Lists the poll cycles of a workspace, the newest first.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles", tag = "poll cycles",
    params(PageParameters),
    responses((status = 200, body = PollCycleList<'static>)),
)]
pub(crate) async fn list_cycles(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Response, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = queries::list_poll_cycles(&state.core, &workspace_id, paged.request()).await?;
    let list = PollCycleList {
        poll_cycles: page.items.iter().map(render_cycle).collect(),
        next_cursor: paged.cursor(page.next.as_ref()).map(Into::into),
    };
    Ok(Json(list).into_response())
}

/// Returns one poll cycle.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles/{cycle_id}", tag = "poll cycles",
    responses((status = 200, body = PollCycleRecord<'static>)),
)]
pub(crate) async fn get_cycle(
    State(state): SharedState,
    Path2(workspace_id, cycle_id): Path2<WorkspaceId, CycleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let cycle = queries::get_poll_cycle(&state.core, &workspace_id, cycle_id).await?;
    Ok(Json(render_cycle(&cycle)).into_response())
}
