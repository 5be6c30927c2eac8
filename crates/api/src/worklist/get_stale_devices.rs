//! `GET /workspaces/{workspace_id}/stale-devices`

use std::collections::BTreeMap;

use application::queries::WorklistFilter;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::WorkspaceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::export::WorklistExport;
use super::page::Page;
use super::query::{StaleDevicesQuery, after};
use super::view::SilentDeviceView;
use crate::access::Caller;
use crate::long_json::LongJson;
use crate::problem::Problem;
use crate::request::{ListForm, ListName, Paged, Path1, Query};
use crate::state::SharedState;

/// A workspace's silent devices, the oldest silence first.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaleDeviceList {
    devices: Vec<SilentDeviceView>,
    evaluated_at: DateTime<Utc>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists a workspace's silent devices, whoever owns its reads. With `Accept: text/csv` the whole list as a
/// spreadsheet, whatever `limit` says, which is recorded as an export.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/stale-devices", tag = "worklist",
    params(
        ("reason" = Option<String>, Query), ("responsibility" = Option<String>, Query), ("provider" = Option<String>, Query),
        ("silent_for_minutes" = Option<i64>, Query), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, content((StaleDeviceList = "application/json"), (String = "text/csv")))),
)]
pub(crate) async fn list_stale_devices(
    State(state): SharedState,
    caller: Caller,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    form: ListForm,
    Query(query): Query<StaleDevicesQuery>,
) -> Result<Response, Problem> {
    let paged = Paged::try_new(list, query.page, state.core.clock.now())?;
    let (now, after) = (paged.instant(), after(&paged)?);
    state
        .core
        .store
        .workspace(&workspace_id)
        .await?
        .ok_or_else(|| Problem::not_found("workspace"))?;
    let filter = WorklistFilter {
        workspace_id: Some(workspace_id.clone()),
        ..query.filter
    };
    if form == ListForm::Csv {
        let export = WorklistExport {
            state,
            caller,
            list: "stale-devices",
            filter,
            asked: query.asked,
            now,
            // An empty list is on record as well: whose it is is known.
            rows: BTreeMap::from([(workspace_id, 0)]),
        };
        return export.answer().await;
    }
    let page = Page::read(&state.core, &filter, &paged, after.as_ref()).await?;
    Ok(LongJson {
        about_bytes: page.about_bytes(),
        answer: StaleDeviceList {
            devices: page.devices,
            evaluated_at: now,
            next_cursor: page.next_cursor,
        },
    }
    .into_response())
}
