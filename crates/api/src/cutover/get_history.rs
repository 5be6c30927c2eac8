//! `GET /workspaces/{workspace_id}/cutover/history`

use application::queries::list_cutover_changes;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::fleet::CutoverChange;
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::CutoverFlags;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Query};
use crate::state::SharedState;

/// A page of changes of the flags, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CutoverHistory {
    changes: Vec<ChangeView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// One change of the flags.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeView {
    #[schema(example = 7)]
    version: i64,
    at: DateTime<Utc>,
    #[schema(example = "person:3f6d1c2e")]
    by: String,
    #[schema(required, example = "parity above 99 percent for a week")]
    reason: Option<String>,
    /// The flags before the change; `null` for the first flags of a new workspace.
    #[schema(required)]
    from: Option<CutoverFlags>,
    to: CutoverFlags,
}

/// Lists who changed the flags, when, from what to what, and why.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/cutover/history", tag = "cutover",
    params(PageParameters),
    responses((status = 200, body = CutoverHistory)),
)]
pub(crate) async fn get_history(
    State(state): SharedState,
    Path1(id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<CutoverHistory>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = list_cutover_changes(&state.core, &id, paged.request()).await?;
    let (changes, next_cursor) = paged.render(page, render_change);
    Ok(Json(CutoverHistory {
        changes,
        next_cursor,
    }))
}

fn render_change(change: CutoverChange) -> ChangeView {
    ChangeView {
        version: change.version,
        at: change.at,
        by: change.by,
        reason: change.reason,
        from: change.from.map(CutoverFlags::from),
        to: change.to.into(),
    }
}
