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

/// A sweep as it stands; what it found is there once it has ended.
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
    /// Why it ended without having found anything out.
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

/// Schedules at EventBridge against those that are wanted.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchedulesView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// Active workspaces whose schedule was looked at.
    #[schema(example = 412)]
    checked: u32,
    /// Schedules that were just as wanted.
    #[schema(example = 408)]
    in_line: u32,
    /// Changes that were not applied yet when the sweep came.
    #[schema(example = 1)]
    pending: u32,
    /// Schedules that were confirmed once and were not there.
    #[schema(example = 1)]
    missing: u32,
    /// Schedules that were other than confirmed.
    #[schema(example = 2)]
    changed: u32,
    /// Schedules of no active workspace.
    #[schema(example = 1)]
    orphaned: u32,
    /// Names in the group that are none of ours; they are let be.
    #[schema(example = 0)]
    foreign: u32,
    /// Of all these, what could not be repaired.
    #[schema(example = 0)]
    not_repaired: u32,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// Day partitions of events and of raw messages past their retention.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartitionsView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// Days that are gone with all their events.
    #[schema(example = json!(["2026-08-24"]))]
    dropped: Vec<NaiveDate>,
    /// Days that are gone with all their raw messages and envelopes.
    #[schema(example = json!(["2026-11-08"]))]
    raw_messages_dropped: Vec<NaiveDate>,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// Devices mirrored from the legacy registry.
#[derive(Serialize, ToSchema)]
pub(crate) struct RegistryView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// Devices that were brought in line.
    #[schema(example = 0)]
    mirrored: u32,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// Records past their retention.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordsView {
    #[schema(value_type = schema::SweepStepOutcome)]
    outcome: StepOutcome,
    /// Cycles that are gone, with what their connections gave.
    #[schema(example = 288)]
    poll_cycles: u64,
    /// Sweeps that are gone.
    #[schema(example = 1)]
    sweeps: u64,
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

/// Shows a sweep.
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
    Ok(Json(sweep_view(record)))
}

fn sweep_view(record: SweepRecord) -> SweepView {
    let (schedules, partitions, legacy_registry, old_records) = match record.report {
        Some(SweepReport {
            schedules,
            partitions,
            legacy_registry,
            old_records,
        }) => (
            Some(schedules_shown(schedules)),
            Some(partitions_shown(partitions)),
            Some(registry_shown(legacy_registry)),
            Some(records_shown(old_records)),
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

fn schedules_shown(swept: SweptSchedules) -> SchedulesView {
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

fn partitions_shown(swept: SweptPartitions) -> PartitionsView {
    PartitionsView {
        outcome: swept.outcome,
        dropped: swept.dropped,
        raw_messages_dropped: swept.raw_messages_dropped,
        error: swept.error,
    }
}

fn registry_shown(swept: SweptRegistry) -> RegistryView {
    RegistryView {
        outcome: swept.outcome,
        mirrored: swept.mirrored,
        error: swept.error,
    }
}

fn records_shown(swept: SweptRecords) -> RecordsView {
    RecordsView {
        outcome: swept.outcome,
        poll_cycles: swept.poll_cycles,
        sweeps: swept.sweeps,
        error: swept.error,
    }
}
