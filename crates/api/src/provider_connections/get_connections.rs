//! `GET /workspaces/{workspace_id}/provider-connections[/{provider_id}]`

use application::queries;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{ProviderId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{ProviderConnectionView, render_connection};
use crate::problem::Problem;
use crate::request::{
    ListName, NoQuery, PageParameters, Paged, Path1, Path2, Query, respond_with_etag,
};
use crate::state::SharedState;

/// A page of connections, in order of id.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionList {
    provider_connections: Vec<ProviderConnectionView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the connections of a workspace.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections", tag = "provider connections",
    params(PageParameters),
    responses((status = 200, body = ConnectionList)),
)]
pub(crate) async fn list_connections(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<ConnectionList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = queries::list_connections(&state.core, &workspace_id, paged.request()).await?;
    let (provider_connections, next_cursor) =
        paged.render(page, |connection| render_connection(&connection));
    Ok(Json(ConnectionList {
        provider_connections,
        next_cursor,
    }))
}

/// Returns one connection.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/provider-connections/{provider_id}", tag = "provider connections",
    responses((status = 200, body = ProviderConnectionView)),
)]
pub(crate) async fn get_connection(
    State(state): SharedState,
    Path2(workspace_id, provider_id): Path2<WorkspaceId, ProviderId>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let connection = queries::get_connection(&state.core, &workspace_id, &provider_id).await?;
    Ok(respond_with_etag(
        StatusCode::OK,
        connection.version,
        render_connection(&connection),
    ))
}
