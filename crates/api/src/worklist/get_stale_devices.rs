//! `GET /workspaces/{workspace_id}/stale-devices`

use std::collections::BTreeMap;

use application::queries::{get_workspace, list_silent_devices};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::export::WorklistExport;
use super::query::SilenceParameters;
use super::view::{DEVICE_BYTES, SilentDeviceView, render_silent_device};
use crate::access::Caller;
use crate::long_json::LongJson;
use crate::problem::Problem;
use crate::request::{ListForm, ListName, PageParameters, Paged, Path1, Query, RequestedFilter};
use crate::state::SharedState;

/// The silent devices of one workspace, the longest silence first.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaleDeviceList {
    devices: Vec<SilentDeviceView>,
    evaluated_at: DateTime<Utc>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the silent devices of a workspace, whoever owns its reads. With `Accept: text/csv` the answer is the
/// whole list as a spreadsheet, whatever `limit` says, and the export is recorded.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/stale-devices", tag = "worklist",
    params(SilenceParameters, PageParameters),
    responses((status = 200, content((StaleDeviceList = "application/json"), (String = "text/csv")))),
)]
pub(crate) async fn list_stale_devices(
    State(state): SharedState,
    caller: Caller,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    form: ListForm,
    RequestedFilter(asked): RequestedFilter,
    Query((silence, page)): Query<(SilenceParameters, PageParameters)>,
) -> Result<Response, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let now = paged.instant();
    get_workspace(&state.core, &workspace_id).await?;
    let filter = silence.filter().of_workspace(&workspace_id);
    if form == ListForm::Csv {
        let export = WorklistExport {
            state,
            caller,
            list: "stale-devices",
            filter,
            query: asked,
            now,
            // Starts at 0, so that the export of an empty list is recorded for its workspace as well.
            rows: BTreeMap::from([(workspace_id, 0)]),
        };
        return export.into_response().await;
    }
    let page = list_silent_devices(&state.core, &filter, paged.request(), now).await?;
    let (devices, next_cursor) = paged.render(page, |device| render_silent_device(&device, now));
    Ok(LongJson {
        about_bytes: 256 + devices.len() * DEVICE_BYTES,
        answer: StaleDeviceList {
            devices,
            evaluated_at: now,
            next_cursor,
        },
    }
    .into_response())
}
