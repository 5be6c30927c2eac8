//! `GET /follow-ups`

use std::collections::BTreeMap;

use application::queries::{WorklistFilter, list_silent_devices};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::export::WorklistExport;
use super::query::{SilenceParameters, WorkspaceParameters};
use super::view::{DEVICE_BYTES, SilentDeviceView, render_silent_device};
use crate::access::Caller;
use crate::long_json::LongJson;
use crate::problem::Problem;
use crate::request::{ListForm, ListName, PageParameters, Paged, Query, RequestedFilter};
use crate::state::SharedState;

/// The silent devices of all workspaces whose reads core owns, the longest silence first.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpList {
    follow_ups: Vec<SilentDeviceView>,
    evaluated_at: DateTime<Utc>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the silent devices to follow up, over all workspaces. With `Accept: text/csv` the answer is the whole
/// list as a spreadsheet, whatever `limit` says, and the export is recorded. A page that is filtered by cause
/// can be short or empty although more pages follow: read on while `next_cursor` is not `null`.
#[utoipa::path(
    get, path = "/api/telematics-mvp/follow-ups", tag = "worklist",
    params(SilenceParameters, WorkspaceParameters, PageParameters),
    responses((status = 200, content((FollowUpList = "application/json"), (String = "text/csv")))),
)]
pub(crate) async fn list_follow_ups(
    State(state): SharedState,
    caller: Caller,
    list: ListName,
    form: ListForm,
    RequestedFilter(asked): RequestedFilter,
    Query((silence, (workspaces, page))): Query<(
        SilenceParameters,
        (WorkspaceParameters, PageParameters),
    )>,
) -> Result<Response, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let now = paged.instant();
    let filter = WorklistFilter {
        workspace_id: workspaces.workspace,
        not_cut_over: workspaces.include.is_some(),
        ..silence.filter()
    };
    if form == ListForm::Csv {
        let export = WorklistExport {
            state,
            caller,
            list: "follow-ups",
            filter,
            query: asked,
            now,
            rows: BTreeMap::new(),
        };
        return export.into_response().await;
    }
    let page = list_silent_devices(&state.core, &filter, paged.request(), now).await?;
    let (devices, next_cursor) = paged.render(page, |device| render_silent_device(&device, now));
    Ok(LongJson {
        about_bytes: 256 + devices.len() * DEVICE_BYTES,
        answer: FollowUpList {
            follow_ups: devices,
            evaluated_at: now,
            next_cursor,
        },
    }
    .into_response())
}
