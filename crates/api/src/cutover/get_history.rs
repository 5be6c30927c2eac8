//! `GET /workspaces/{workspace_id}/cutover/history`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::WorkspaceId;
use persistence::fleet::CutoverChange;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::CutoverFlags;
use crate::problem::{FieldError, Problem};
use crate::request::{ListName, PageQuery, Paged, Path1, Query};
use crate::state::SharedState;

/// Changes of the flags, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutoverHistory {
    changes: Vec<ChangeView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// One change.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeView {
    #[schema(example = 7)]
    version: i64,
    at: DateTime<Utc>,
    #[schema(example = "person:3f6d1c2e")]
    by: String,
    #[schema(required, example = "parity above 99 percent for a week")]
    reason: Option<String>,
    /// Null for a new workspace's first flags.
    #[schema(required)]
    from: Option<CutoverFlags>,
    to: CutoverFlags,
}

/// Lists who changed the flags, when, from what to what, and why.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover/history", tag = "cutover",
    params(("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = CutoverHistory)),
)]
pub(crate) async fn get_history(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageQuery>,
) -> Result<Json<CutoverHistory>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    state
        .core
        .store
        .workspace(&id)
        .await?
        .ok_or_else(|| Problem::not_found("workspace"))?;
    let before: Option<i64> = paged.after().map(str::parse).transpose().map_err(|_| {
        Problem::invalid(vec![FieldError::parameter(
            "cursor",
            "is not a cursor of this list",
        )])
    })?;
    let _measured = telemetry::metrics::query("cutover_history");
    let changes = state
        .core
        .store
        .cutover_changes(&id, before, paged.page().limit)
        .await?;
    let (changes, next_cursor) =
        paged.cut_and_show(changes, |change| change.version.to_string(), shown);
    Ok(Json(CutoverHistory {
        changes,
        next_cursor,
    }))
}

fn shown(change: &CutoverChange) -> ChangeView {
    ChangeView {
        version: change.version,
        at: change.at,
        by: change.by.clone(),
        reason: change.reason.clone(),
        from: change.from.map(CutoverFlags::from),
        to: change.to.into(),
    }
}
