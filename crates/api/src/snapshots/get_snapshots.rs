//! `GET /workspaces/{workspace_id}/snapshots[/{device_id}]`

use application::queries::{DeviceSnapshot, device_snapshot, device_snapshots};
use axum::Json;
use axum::extract::State;
use domain::health::SignalFreshness;
use domain::ids::{DeviceId, WorkspaceId};
use domain::signals::Signal;
use persistence::Page;
use persistence::fleet::{DeviceFilter, WorkspaceRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{SnapshotView, snapshot_view};
use super::whose_values_are_ours;
use crate::problem::Problem;
use crate::request::{ListName, PageQuery, Paged, Params, Path1, Path2, Query, QueryParams};
use crate::state::{AppState, SharedState};

/// Which signals are shown, and of which devices.
#[derive(Clone, Copy)]
pub(crate) struct SignalFilter {
    signal: Option<Signal>,
    signal_state: Option<SignalFreshness>,
}

impl QueryParams for SignalFilter {
    fn read(params: &mut Params) -> Self {
        Self {
            signal: params.read("signal", "must be a signal of the catalogue", Signal::named),
            signal_state: params.word("signal_state", SignalFreshness::ALL, SignalFreshness::parse),
        }
    }
}

impl SignalFilter {
    /// With `signal_state`, devices that hold a signal (the one asked for, or any) in that state.
    fn admits(self, snapshot: &DeviceSnapshot) -> bool {
        self.signal_state.is_none_or(|state| {
            snapshot.signals.iter().any(|held| {
                held.freshness == state && self.signal.is_none_or(|signal| held.signal == signal)
            })
        })
    }

    /// With `signal_state`, leaves out signals that are not in it.
    fn trim(self, snapshot: &mut DeviceSnapshot) {
        if let Some(wanted) = self.signal_state {
            snapshot.signals.retain(|held| held.freshness == wanted);
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
    let record = whose_values_are_ours(&state, &workspace_id).await?;
    let snapshots = admitted(&state, &record, query.filter, &paged).await?;
    let (snapshots, next_cursor) = paged.cut_and_show(
        snapshots,
        |snapshot| snapshot.row.device_id.to_string(),
        |snapshot| snapshot_view(snapshot, query.filter.signal),
    );
    Ok(Json(SnapshotList {
        snapshots,
        next_cursor,
    }))
}

/// Reads on until a page is full: a filter on freshness is judged here and not by the store.
async fn admitted(
    state: &AppState,
    record: &WorkspaceRecord,
    filter: SignalFilter,
    paged: &Paged,
) -> Result<Vec<DeviceSnapshot>, Problem> {
    let (id, policy) = (&record.workspace.id, record.workspace.policy);
    let mut page: Page = paged.page();
    let mut admitted = Vec::new();
    loop {
        let batch = device_snapshots(
            &state.core,
            id,
            policy,
            &DeviceFilter::default(),
            &page,
            paged.instant(),
        )
        .await?;
        let exhausted = i64::try_from(batch.len()).is_ok_and(|read| read < page.limit);
        page.after = batch.last().map(|last| last.row.device_id.to_string());
        for mut snapshot in batch.into_iter().filter(|snapshot| filter.admits(snapshot)) {
            filter.trim(&mut snapshot);
            admitted.push(snapshot);
        }
        if exhausted || admitted.len() > paged.limit() {
            return Ok(admitted);
        }
    }
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
    let record = whose_values_are_ours(&state, &workspace_id).await?;
    let snapshot = device_snapshot(
        &state.core,
        &workspace_id,
        record.workspace.policy,
        &device_id,
        state.core.clock.now(),
    )
    .await?;
    let mut snapshot = snapshot.ok_or_else(|| Problem::not_found("active device"))?;
    filter.trim(&mut snapshot);
    Ok(Json(snapshot_view(&snapshot, filter.signal)))
}
