//! `GET /workspaces/{workspace_id}/snapshots[/{device_id}]`

use application::queries::{self, SignalFilter};
use axum::Json;
use axum::extract::State;
use domain::health::SignalFreshness;
use domain::ids::{DeviceId, WorkspaceId};
use domain::signals::Signal;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{SnapshotView, render_snapshot};
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Path2, Query, query_parameters};
use crate::state::SharedState;

query_parameters! {
    /// The filter of the snapshot endpoints.
    pub(crate) struct SignalParameters {
        /// Only the signal with this name.
        signal: Signal,
        /// Only signals in this state. A list leaves out devices without such a signal.
        signal_state: SignalFreshness,
    }
}

impl From<SignalParameters> for SignalFilter {
    fn from(parameters: SignalParameters) -> Self {
        Self {
            signal: parameters.signal,
            state: parameters.signal_state,
        }
    }
}

/// A page of snapshots, in order of device id.
#[derive(Serialize, ToSchema)]
pub(crate) struct SnapshotList {
    snapshots: Vec<SnapshotView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists the canonical values of a workspace's active devices.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/snapshots", tag = "snapshots",
    params(SignalParameters, PageParameters),
    extensions(("x-problems" = json!(["legacy-unavailable"]))),
    responses((status = 200, body = SnapshotList)),
)]
pub(crate) async fn list_snapshots(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(SignalParameters, PageParameters)>,
) -> Result<Json<SnapshotList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let page = queries::list_snapshots(
        &state.core,
        &workspace_id,
        parameters.into(),
        paged.request(),
        paged.instant(),
    )
    .await?;
    let (snapshots, next_cursor) = paged.render(page, |snapshot| render_snapshot(&snapshot));
    Ok(Json(SnapshotList {
        snapshots,
        next_cursor,
    }))
}

/// Returns the canonical values of one active device.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/snapshots/{device_id}", tag = "snapshots",
    params(SignalParameters),
    extensions(("x-problems" = json!(["legacy-unavailable"]))),
    responses((status = 200, body = SnapshotView)),
)]
pub(crate) async fn get_snapshot(
    State(state): SharedState,
    Path2(workspace_id, device_id): Path2<WorkspaceId, DeviceId>,
    Query(parameters): Query<SignalParameters>,
) -> Result<Json<SnapshotView>, Problem> {
    let now = state.core.clock.now();
    let snapshot = queries::get_snapshot(
        &state.core,
        &workspace_id,
        &device_id,
        parameters.into(),
        now,
    )
    .await?;
    Ok(Json(render_snapshot(&snapshot)))
}
