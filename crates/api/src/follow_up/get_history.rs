//! `GET /workspaces/{workspace_id}/devices/{device_id}/follow-up/history`

use application::queries::list_follow_up_versions;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::follow_up::{Note, WrittenFollowUp};
use domain::ids::{DeviceId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path2, Query};
use crate::state::SharedState;

/// The follow-ups of a device over all its silences, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpHistory {
    changes: Vec<WrittenFollowUpView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// One version of a follow-up, as somebody wrote it.
#[derive(Serialize, ToSchema)]
#[schema(as = WrittenFollowUp)]
pub(crate) struct WrittenFollowUpView {
    #[schema(example = 2)]
    version: i64,
    at: DateTime<Utc>,
    #[schema(example = "person:3f6d1c2e")]
    by: String,
    /// The beginning of the silence that this version is about.
    silent_since: DateTime<Utc>,
    contacted: bool,
    #[schema(required, example = "2026-12-01T08:00:00Z")]
    snoozed_until: Option<DateTime<Utc>>,
    #[schema(required, value_type = Option<schema::Note>)]
    note: Option<Note>,
}

/// Lists the versions of a device's follow-ups: who wrote what, and when.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/devices/{device_id}/follow-up/history", tag = "worklist",
    params(PageParameters),
    responses((status = 200, body = FollowUpHistory)),
)]
pub(crate) async fn get_follow_up_history(
    State(state): SharedState,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<FollowUpHistory>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page =
        list_follow_up_versions(&state.core, &workspace_id, &device_id, paged.request()).await?;
    let (changes, next_cursor) = paged.render(page, render_version);
    Ok(Json(FollowUpHistory {
        changes,
        next_cursor,
    }))
}

fn render_version(written: WrittenFollowUp) -> WrittenFollowUpView {
    WrittenFollowUpView {
        version: written.version,
        at: written.updated_at,
        by: written.updated_by,
        silent_since: written.silent_since,
        contacted: written.follow_up.contacted,
        snoozed_until: written.follow_up.snoozed_until,
        note: written.follow_up.note,
    }
}
