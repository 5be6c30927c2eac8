//! `GET /workspaces/{workspace_id}/poll-cycles[/{cycle_id}]`

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{CycleId, DeviceId, WorkspaceId};
use domain::polling::{ConnectionOutcome, ConnectionReport, PollError, StreamReport, Trigger};
use persistence::polling::PollCycle;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::timeline::{Moment, timeline};
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{ListName, NoQuery, PageQuery, Paged, Path1, Path2, Query};
use crate::state::{AppState, SharedState};

/// Missing devices that an answer names; the count is `devices_expected - returned`.
const MISSING_AT_MOST: usize = 100;

/// A poll cycle.
#[derive(Serialize, ToSchema)]
pub(crate) struct CycleView {
    #[schema(value_type = schema::CycleId)]
    cycle_id: CycleId,
    #[schema(value_type = schema::CycleTrigger)]
    trigger: Trigger,
    #[schema(value_type = schema::CycleStatus)]
    status: String,
    #[schema(required)]
    scheduled_time: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
    #[schema(required, example = "0af7651916cd43dd8448eb211c80319c")]
    trace_id: Option<String>,
    #[schema(required, value_type = Option<schema::SkipReason>)]
    reason: Option<String>,
    /// When its slot was found to have had no trigger. A recovery cycle, which makes up for the slot, has
    /// it too.
    #[schema(required)]
    missed_at: Option<DateTime<Utc>>,
    connections: Vec<ConnectionView>,
    /// What stream connections brought since the last cycle; there once this one has ended.
    streams: Vec<StreamView>,
    timeline: Vec<Moment>,
}

/// What one connection gave in a cycle.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    #[schema(value_type = schema::ProviderId)]
    provider_id: String,
    #[schema(value_type = schema::PollOutcome)]
    outcome: ConnectionOutcome,
    #[schema(required, value_type = Option<PollErrorView>)]
    error: Option<PollError>,
    #[schema(example = 60)]
    devices_expected: u32,
    #[schema(example = 58)]
    returned: u32,
    /// Expected devices that the answer did not name; at most 100 of them.
    #[schema(value_type = Vec<schema::DeviceId>)]
    missing: Vec<DeviceId>,
    /// Returned devices that brought nothing new.
    #[schema(example = 20)]
    unchanged: u32,
    #[schema(example = 38)]
    accepted: u32,
    #[schema(example = 0)]
    duplicate: u32,
    #[schema(example = 0)]
    stale: u32,
    /// By reason.
    #[schema(example = json!({"future_timestamp": 1}))]
    rejected: BTreeMap<String, u32>,
    #[schema(example = 1)]
    attempts: u32,
    #[schema(example = 812)]
    duration_ms: u32,
}

/// What one connection's stream brought since the last cycle.
#[derive(Serialize, ToSchema)]
pub(crate) struct StreamView {
    #[schema(value_type = schema::ProviderId, example = "viriciti-main")]
    provider_id: String,
    /// New envelopes, whatever became of them.
    #[schema(example = 300)]
    envelopes: u64,
    #[schema(example = 280)]
    accepted: u64,
    #[schema(example = 0)]
    quarantined: u64,
    /// When the transport received the latest that ever came.
    #[schema(required)]
    last_received_at: Option<DateTime<Utc>>,
}

/// Why a connection failed or was skipped.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the documented shape of `domain::polling::PollError`"
)]
pub(crate) struct PollErrorView {
    #[schema(value_type = schema::PollErrorClass)]
    class: String,
    /// For people.
    #[schema(example = "the provider answered 429")]
    detail: String,
}

/// Cycles of a workspace, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CycleList {
    poll_cycles: Vec<CycleView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// Lists a workspace's cycles.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles", tag = "poll cycles",
    params(("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = CycleList)),
)]
pub(crate) async fn list_cycles(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(page): Query<PageQuery>,
) -> Result<Json<CycleList>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    known(&state, &workspace_id).await?;
    let before: Option<Uuid> = paged.after().map(str::parse).transpose().map_err(|_| {
        Problem::invalid(vec![FieldError::parameter(
            "cursor",
            "is not a cursor of this list",
        )])
    })?;
    let _measured = telemetry::metrics::query("poll_cycles");
    let cycles = state
        .core
        .store
        .poll_cycles(&workspace_id, None, before, paged.page().limit)
        .await?;
    let (poll_cycles, next_cursor) =
        paged.cut_and_show(cycles, |cycle| cycle.cycle_id.to_string(), shown);
    Ok(Json(CycleList {
        poll_cycles,
        next_cursor,
    }))
}

/// Shows one cycle.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/poll-cycles/{cycle_id}", tag = "poll cycles",
    responses((status = 200, body = CycleView)),
)]
pub(crate) async fn get_cycle(
    State(state): SharedState,
    Path2(workspace_id, cycle_id): Path2<WorkspaceId, CycleId>,
    NoQuery: NoQuery,
) -> Result<Json<CycleView>, Problem> {
    known(&state, &workspace_id).await?;
    let cycles = state
        .core
        .store
        .poll_cycles(&workspace_id, Some(cycle_id), None, 1)
        .await?;
    cycles
        .first()
        .map(shown)
        .map(Json)
        .ok_or_else(|| Problem::not_found("poll cycle"))
}

async fn known(state: &AppState, workspace_id: &WorkspaceId) -> Result<(), Problem> {
    match state.core.store.workspace(workspace_id).await? {
        Some(_) => Ok(()),
        None => Err(Problem::not_found("workspace")),
    }
}

fn shown(cycle: &PollCycle) -> CycleView {
    CycleView {
        cycle_id: cycle.cycle_id,
        trigger: cycle.trigger,
        status: cycle.status.clone(),
        scheduled_time: cycle.scheduled_time,
        due_at: cycle.due_at,
        started_at: cycle.started_at,
        ended_at: cycle.ended_at,
        trace_id: cycle.trace_id.clone(),
        reason: cycle.reason.clone(),
        missed_at: cycle.missed_at,
        connections: cycle.connections.iter().map(connection).collect(),
        streams: cycle.streams.iter().map(stream).collect(),
        timeline: timeline(cycle),
    }
}

fn stream(report: &StreamReport) -> StreamView {
    StreamView {
        provider_id: report.provider_id.to_string(),
        envelopes: report.envelopes,
        accepted: report.accepted,
        quarantined: report.quarantined,
        last_received_at: report.last_received_at,
    }
}

fn connection(report: &ConnectionReport) -> ConnectionView {
    ConnectionView {
        provider_id: report.provider_id.to_string(),
        outcome: report.outcome,
        error: report.error.clone(),
        devices_expected: report.devices_expected,
        returned: report.returned,
        missing: report
            .missing
            .iter()
            .take(MISSING_AT_MOST)
            .cloned()
            .collect(),
        unchanged: report.unchanged,
        accepted: report.accepted,
        duplicate: report.duplicate,
        stale: report.stale,
        rejected: report.rejected.clone(),
        attempts: report.attempts,
        duration_ms: report.duration_ms,
    }
}
