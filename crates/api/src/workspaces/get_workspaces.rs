//! `GET /workspaces[/{workspace_id}]`

use application::queries;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{WorkspaceView, render_workspace};
use crate::problem::Problem;
use crate::request::{ListName, NoQuery, PageParameters, Paged, Path1, Query, respond_with_etag};
use crate::state::SharedState;

/// A page of workspaces, in order of id.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkspaceList {
    workspaces: Vec<WorkspaceView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists all workspaces.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces", tag = "workspaces",
    params(PageParameters),
    responses((status = 200, body = WorkspaceList)),
)]
pub(crate) async fn list_workspaces(
    State(state): SharedState,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<WorkspaceList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = queries::list_workspaces(&state.core, paged.request()).await?;
    let (workspaces, next_cursor) =
        paged.render(page, |record| render_workspace(&state.core, &record));
    Ok(Json(WorkspaceList {
        workspaces,
        next_cursor,
    }))
}

/// Returns one workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}", tag = "workspaces",
    responses((status = 200, body = WorkspaceView)),
)]
pub(crate) async fn get_workspace(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let record = queries::get_workspace(&state.core, &id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        record.workspace.version,
        render_workspace(&state.core, &record),
    ))
}
