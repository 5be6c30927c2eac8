//! `GET /reconciliation-sweeps/{sweep_id}`

use application::queries;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::SweepId;
use domain::sweeps::{
    StepOutcome, SweepRecord, SweepReport, SweepStatus, SweptPartitions, SweptRecords,
    SweptRegistry, SweptSchedules,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{NoQuery, Path1};
use crate::state::SharedState;

/// A sweep. Its findings are `null` until it has ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct SweepView {
    #[schema(value_type = schema::SweepId)]
    sweep_id: SweepId,
    #[schema(value_type = schema::SweepStatus)]
    status: SweepStatus,
    requested_at: DateTime<Utc>,
    #[schema(example = "machine:nightly")]
    requested_by: String,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
    /// Why the sweep ended without findings; `null` otherwise.
    #[schema(required, example = json!(null))]
    error: Option<String>,
    #[schema(required)]
    schedules: Option<SchedulesView>,
    #[schema(required)]
    partitions: Option<PartitionsView>,
    #[schema(required)]
    legacy_registry: Option<RegistryView>,
    #[schema(required)]
    old_records: Option<RecordsView>,
}

/// The comparison of the schedules at EventBridge with those that the workspaces need.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchedulesView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// The number of active workspaces whose schedule was checked.
    #[schema(example = 412)]
    checked: u32,
    /// The number of schedules that needed no repair.
    #[schema(example = 408)]
    in_line: u32,
    /// The number of changes that were not applied yet when the sweep ran.
    #[schema(example = 1)]
    pending: u32,
    /// The number of schedules that were confirmed earlier and are gone.
    #[schema(example = 1)]
    missing: u32,
    /// The number of schedules that differ from what was confirmed.
    #[schema(example = 2)]
    changed: u32,
    /// The number of schedules that belong to no active workspace.
    #[schema(example = 1)]
    orphaned: u32,
    /// The number of schedules in the group that this service did not make. They are not touched.
    #[schema(example = 0)]
    foreign: u32,
    /// The number of schedules above that could not be repaired.
    #[schema(example = 0)]
    not_repaired: u32,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// The day partitions of events and of raw messages that were dropped after their retention.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartitionsView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// The days whose events were dropped.
    #[schema(example = json!(["2026-08-24"]))]
    dropped: Vec<NaiveDate>,
    /// The days whose raw messages and envelopes were dropped.
    #[schema(example = json!(["2026-11-08"]))]
    raw_messages_dropped: Vec<NaiveDate>,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// The devices that were copied from the legacy registry.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegistryView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// The number of devices that were changed to match the legacy registry.
    #[schema(example = 0)]
    mirrored: u32,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// The records that were deleted after their retention.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordsView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// The number of poll cycles that were deleted, with the results of their connections.
    #[schema(example = 288)]
    poll_cycles: u64,
    /// The number of sweeps that were deleted.
    #[schema(example = 1)]
    sweeps: u64,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// Returns one sweep.
#[utoipa::path(
    get, path = "/api/telematics-mvp/reconciliation-sweeps/{sweep_id}", tag = "reconciliation sweeps",
    responses((status = 200, body = SweepView)),
)]
pub(crate) async fn get_sweep(
    State(state): SharedState,
    Path1(sweep_id): Path1<SweepId>,
    NoQuery: NoQuery,
) -> Result<Json<SweepView>, Problem> {
    let record = queries::get_sweep(&state.core, sweep_id).await?;
    Ok(Json(render_sweep(record)))
}

fn render_sweep(record: SweepRecord) -> SweepView {
    let (schedules, partitions, legacy_registry, old_records) = match record.report {
        Some(SweepReport {
            schedules,
            partitions,
            legacy_registry,
            old_records,
        }) => (
            Some(render_schedules(schedules)),
            Some(render_partitions(partitions)),
            Some(render_registry(legacy_registry)),
            Some(render_records(old_records)),
        ),
        None => (None, None, None, None),
    };
    SweepView {
        sweep_id: record.sweep_id,
        status: record.status,
        requested_at: record.requested_at,
        requested_by: record.requested_by,
        started_at: record.started_at,
        ended_at: record.ended_at,
        error: record.error,
        schedules,
        partitions,
        legacy_registry,
        old_records,
    }
}

fn render_schedules(swept: SweptSchedules) -> SchedulesView {
    SchedulesView {
        outcome: swept.outcome,
        checked: swept.checked,
        in_line: swept.in_line,
        pending: swept.pending,
        missing: swept.missing,
        changed: swept.changed,
        orphaned: swept.orphaned,
        foreign: swept.foreign,
        not_repaired: swept.not_repaired,
        error: swept.error,
    }
}

fn render_partitions(swept: SweptPartitions) -> PartitionsView {
    PartitionsView {
        outcome: swept.outcome,
        dropped: swept.dropped,
        raw_messages_dropped: swept.raw_messages_dropped,
        error: swept.error,
    }
}

fn render_registry(swept: SweptRegistry) -> RegistryView {
    RegistryView {
        outcome: swept.outcome,
        mirrored: swept.mirrored,
        error: swept.error,
    }
}

fn render_records(swept: SweptRecords) -> RecordsView {
    RecordsView {
        outcome: swept.outcome,
        poll_cycles: swept.poll_cycles,
        sweeps: swept.sweeps,
        error: swept.error,
    }
}
