//! `GET /workspaces/{workspace_id}/snapshots[/{device_id}]`

use application::queries::{self, SignalFilter};
use axum::Json;
use axum::extract::State;
use domain::health::SignalFreshness;
use domain::ids::{DeviceId, WorkspaceId};
use domain::signals::Signal;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{SnapshotView, snapshot_view};
use crate::problem::Problem;
use crate::request::{ListName, PageQuery, Paged, Params, Path1, Path2, Query, QueryParams};
use crate::state::SharedState;

/// The filter of both resources.
impl QueryParams for SignalFilter {
    fn read(params: &mut Params) -> Self {
        Self {
            signal: params.read("signal", "must be a signal of the catalogue", Signal::named),
            state: params.word("signal_state", SignalFreshness::ALL, SignalFreshness::parse),
        }
    }
}

/// A list's filter and cut.
pub(crate) struct SnapshotsQuery {
    filter: SignalFilter,
    page: PageQuery,
}

impl QueryParams for SnapshotsQuery {
    fn read(params: &mut Params) -> Self {
        Self {
            filter: SignalFilter::read(params),
            page: PageQuery::read(params),
        }
    }
}

/// Snapshots in order of device id.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotList {
    snapshots: Vec<SnapshotView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the canonical values of a workspace's active devices.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/snapshots", tag = "snapshots",
    params(
        ("signal" = Option<String>, Query), ("signal_state" = Option<String>, Query),
        ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
    ),
    extensions(("x-problems" = json!(["legacy-unavailable"]))),
    responses((status = 200, body = SnapshotList)),
)]
pub(crate) async fn list_snapshots(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(query): Query<SnapshotsQuery>,
) -> Result<Json<SnapshotList>, Problem> {
    let paged = Paged::try_new(list, query.page, state.core.clock.now())?;
    let page = queries::list_snapshots(
        &state.core,
        &workspace_id,
        query.filter,
        paged.request(),
        paged.instant(),
    )
    .await?;
    let (snapshots, next_cursor) = paged.show(page, |snapshot| snapshot_view(&snapshot));
    Ok(Json(SnapshotList {
        snapshots,
        next_cursor,
    }))
}

/// Shows the canonical values of one active device.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/snapshots/{device_id}", tag = "snapshots",
    params(("signal" = Option<String>, Query), ("signal_state" = Option<String>, Query)),
    extensions(("x-problems" = json!(["legacy-unavailable"]))),
    responses((status = 200, body = SnapshotView)),
)]
pub(crate) async fn get_snapshot(
    State(state): SharedState,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    Query(filter): Query<SignalFilter>,
) -> Result<Json<SnapshotView>, Problem> {
    let now = state.core.clock.now();
    let snapshot =
        queries::get_snapshot(&state.core, &workspace_id, &device_id, filter, now).await?;
    Ok(Json(snapshot_view(&snapshot)))
}
