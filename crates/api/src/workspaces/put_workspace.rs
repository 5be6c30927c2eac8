//! `PUT /workspaces/{workspace_id}`

use application::commands;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fleet::{Cutover, WorkspaceName, WorkspaceRecord};
use domain::ids::WorkspaceId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::view::{WorkspaceView, render_workspace};
use crate::access::Caller;
use crate::cutover::CutoverFlags;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{IfMatch, JsonBody, NoQuery, Path1, respond_with_etag};
use crate::state::SharedState;

/// The new state of a workspace. The other members of the answer are accepted and ignored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutWorkspace {
    #[schema(value_type = schema::WorkspaceName)]
    name: String,
    active: bool,
    /// The first flags of a new workspace. The flags of an existing workspace are changed by its cutover resource.
    cutover: Option<CutoverFlags>,
    #[serde(default, rename = "workspace_id")]
    #[schema(value_type = schema::Ignored)]
    _workspace_id: IgnoredAny,
    #[serde(default, rename = "created_at")]
    #[schema(value_type = schema::Ignored)]
    _created_at: IgnoredAny,
    #[serde(default, rename = "schedule")]
    #[schema(value_type = schema::Ignored)]
    _schedule: IgnoredAny,
}

/// Registers a workspace, or renames, activates or deactivates it.
#[utoipa::path(
    put, path = "/api/telematics-mvp/workspaces/{workspace_id}", tag = "workspaces",
    params(("If-Match" = Option<String>, Header)),
    request_body = PutWorkspace,
    extensions(("x-problems" = json!(["conflict"]))),
    responses((status = 200, body = WorkspaceView), (status = 201, body = WorkspaceView), (status = 409, description = "it exists with other flags")),
)]
pub(crate) async fn put_workspace(
    State(state): SharedState,
    caller: Caller,
    Path1(id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
    IfMatch(precondition): IfMatch,
    JsonBody(body): JsonBody<PutWorkspace>,
) -> Result<Response, Problem> {
    let name = WorkspaceName::try_new(&body.name).map_err(|invalid| {
        Problem::invalid(vec![FieldError::pointer("/name", invalid.to_string())])
    })?;
    let cutover = body.cutover.map(Cutover::from);
    let put = commands::put_workspace(
        &state.core,
        caller.author(),
        &id,
        &name,
        body.active,
        cutover,
        &precondition,
    )
    .await;
    let render = |record: &WorkspaceRecord| render_workspace(&state.core, record);
    let (record, created) = put.map_err(|error| Problem::of_change(error, render))?;
    state.wake_applier();
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(respond_with_etag(
        status,
        record.workspace.version,
        render(&record),
    ))
}
