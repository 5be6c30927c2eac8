//! `GET /workspaces/{workspace_id}/poll-cycles[/{cycle_id}]`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use contract::poll_cycles::{PollCycleList, PollCycleRecord};
use domain::ids::{CycleId, WorkspaceId};
use uuid::Uuid;

use super::record::render_cycle;
use crate::problem::{FieldError, Problem};
use crate::request::{ListName, NoQuery, PageQuery, Paged, Path1, Path2, Query};
use crate::state::{AppState, SharedState};

/// Lists a workspace's cycles.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles", tag = "poll cycles",
    params(("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = PollCycleList<'static>)),
)]
pub(crate) async fn list_cycles(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    require_workspace(&state, &workspace_id).await?;
    let before: Option<Uuid> = paged.after().map(str::parse).transpose().map_err(|_| {
        Problem::invalid(vec![FieldError::parameter(
            "cursor",
            "is not a cursor of this list",
        )])
    })?;
    let _measured = telemetry::metrics::query("poll_cycles");
    let mut cycles = state
        .core
        .store
        .poll_cycles(&workspace_id, None, before, paged.page().limit)
        .await?;
    let next_cursor = paged.cut(&mut cycles, |cycle| cycle.cycle_id.to_string());
    let list = PollCycleList {
        poll_cycles: cycles.iter().map(render_cycle).collect(),
        next_cursor: next_cursor.map(Into::into),
    };
    Ok(Json(list).into_response())
}

/// Shows one cycle.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles/{cycle_id}", tag = "poll cycles",
    responses((status = 200, body = PollCycleRecord<'static>)),
)]
pub(crate) async fn get_cycle(
    State(state): SharedState,
    Path2(workspace_id, cycle_id): Path2<WorkspaceId, CycleId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    require_workspace(&state, &workspace_id).await?;
    let cycles = state
        .core
        .store
        .poll_cycles(&workspace_id, Some(cycle_id), None, 1)
        .await?;
    let cycle = cycles
        .first()
        .ok_or_else(|| Problem::not_found("poll cycle"))?;
    Ok(Json(render_cycle(cycle)).into_response())
}

async fn require_workspace(state: &AppState, workspace_id: &WorkspaceId) -> Result<(), Problem> {
    match state.core.store.workspace(workspace_id).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("workspace")),
    }
}
