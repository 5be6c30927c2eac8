//! `GET /workspaces/{workspace_id}/indicators`

use std::collections::BTreeMap;

use application::queries::{Percentiles, StartDeviation, WindowIndicators, compute_indicators};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::WorkspaceId;
use domain::indicators::{DEFINITIONS, SlotCounts, SlotOutcome};
use serde::Serialize;
use utoipa::ToSchema;

use super::definitions::{DefinitionView, definitions};
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{NoQuery, Path1};
use crate::state::SharedState;

/// A workspace's indicators. What there is nothing of is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndicatorsAnswer {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    evaluated_at: DateTime<Utc>,
    /// By how far back they reach: `1h`, `24h`, `7d`.
    #[schema(value_type = BTreeMap<String, WindowView>)]
    windows: BTreeMap<&'static str, WindowView>,
    /// By figure.
    #[schema(value_type = BTreeMap<String, DefinitionView>)]
    definitions: BTreeMap<&'static str, DefinitionView>,
}

/// The figures of one window.
#[derive(Serialize, ToSchema)]
pub(crate) struct WindowView {
    cycles: CyclesView,
    age_seconds: PercentilesView,
    lag_seconds: PercentilesView,
    start_deviation_seconds: StartDeviationView,
    #[schema(required, example = 98.9)]
    coverage_percent: Option<f64>,
    #[schema(required, example = 97.1)]
    within_5_minutes_percent: Option<f64>,
}

/// Scheduled minutes by what became of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct CyclesView {
    /// All of them.
    #[schema(example = 2016)]
    scheduled: u32,
    #[schema(example = 2009)]
    completed: u32,
    #[schema(example = 4)]
    partial: u32,
    #[schema(example = 1)]
    failed: u32,
    #[schema(example = 2)]
    missed: u32,
    #[schema(example = 0)]
    skipped: u32,
    #[schema(example = 0)]
    expired: u32,
    #[schema(example = 0)]
    abandoned: u32,
    /// Not ended yet.
    #[schema(example = 0)]
    open: u32,
    #[schema(required, example = 99.65)]
    success_percent: Option<f64>,
}

/// Nearest ranks, in whole seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct PercentilesView {
    #[schema(required, example = 64)]
    p50: Option<i64>,
    #[schema(required, example = 290)]
    p95: Option<i64>,
    #[schema(required, example = 1260)]
    p99: Option<i64>,
}

/// Nearest ranks, in seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartDeviationView {
    #[schema(required, example = 0.31)]
    p50: Option<f64>,
    #[schema(required, example = 0.92)]
    p95: Option<f64>,
    #[schema(required, example = 4.1)]
    max: Option<f64>,
}

/// Computes a workspace's indicators, over windows that end now.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/indicators", tag = "indicators",
    responses((status = 200, body = IndicatorsAnswer)),
)]
pub(crate) async fn get_indicators(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    NoQuery: NoQuery,
) -> Result<Json<IndicatorsAnswer>, Problem> {
    let now = state.core.clock.now();
    let windows = compute_indicators(&state.core, &workspace_id, now).await?;
    Ok(Json(IndicatorsAnswer {
        workspace_id,
        evaluated_at: now,
        windows: windows
            .iter()
            .map(|figures| (figures.window.as_str(), window_view(figures)))
            .collect(),
        definitions: definitions(&DEFINITIONS),
    }))
}

fn window_view(figures: &WindowIndicators) -> WindowView {
    WindowView {
        cycles: cycles_view(&figures.slots),
        age_seconds: percentiles_view(figures.age),
        lag_seconds: percentiles_view(figures.lag),
        start_deviation_seconds: start_deviation_view(figures.start_deviation),
        coverage_percent: figures.coverage_percent,
        within_5_minutes_percent: figures.within_5_minutes_percent,
    }
}

fn cycles_view(slots: &SlotCounts) -> CyclesView {
    CyclesView {
        scheduled: slots.scheduled(),
        completed: slots.count_of(SlotOutcome::Completed),
        partial: slots.count_of(SlotOutcome::Partial),
        failed: slots.count_of(SlotOutcome::Failed),
        missed: slots.count_of(SlotOutcome::Missed),
        skipped: slots.count_of(SlotOutcome::Skipped),
        expired: slots.count_of(SlotOutcome::Expired),
        abandoned: slots.count_of(SlotOutcome::Abandoned),
        open: slots.open,
        success_percent: slots.success_percent(),
    }
}

fn percentiles_view(percentiles: Option<Percentiles>) -> PercentilesView {
    let seconds = |of: fn(Percentiles) -> TimeDelta| percentiles.map(|all| of(all).num_seconds());
    PercentilesView {
        p50: seconds(|all| all.p50),
        p95: seconds(|all| all.p95),
        p99: seconds(|all| all.p99),
    }
}

fn start_deviation_view(deviation: Option<StartDeviation>) -> StartDeviationView {
    let seconds =
        |of: fn(StartDeviation) -> TimeDelta| deviation.map(|all| of(all).as_seconds_f64());
    StartDeviationView {
        p50: seconds(|all| all.p50),
        p95: seconds(|all| all.p95),
        max: seconds(|all| all.max),
    }
}
