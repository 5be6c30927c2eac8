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

use super::definitions::{DefinitionView, render_definitions};
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{NoQuery, Path1};
use crate::state::SharedState;

/// The indicators of a workspace. A figure without anything to count is `null`.
#[derive(Serialize, ToSchema)]
pub(crate) struct IndicatorsAnswer {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    evaluated_at: DateTime<Utc>,
    /// The figures, by the length of the window: `1h`, `24h`, `7d`.
    #[schema(value_type = BTreeMap<String, WindowView>)]
    windows: BTreeMap<&'static str, WindowView>,
    /// What each figure means, by the name of the figure.
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

/// The number of scheduled minutes, by the outcome of their cycle.
#[derive(Serialize, ToSchema)]
pub(crate) struct CyclesView {
    /// The number of all scheduled minutes.
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
    /// The number of minutes whose cycle has not ended yet.
    #[schema(example = 0)]
    open: u32,
    #[schema(required, example = 99.65)]
    success_percent: Option<f64>,
}

/// Percentiles by nearest rank, in whole seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct PercentilesView {
    #[schema(required, example = 64)]
    p50: Option<i64>,
    #[schema(required, example = 290)]
    p95: Option<i64>,
    #[schema(required, example = 1260)]
    p99: Option<i64>,
}

/// How late cycles started: percentiles by nearest rank, in seconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartDeviationView {
    #[schema(required, example = 0.31)]
    p50: Option<f64>,
    #[schema(required, example = 0.92)]
    p95: Option<f64>,
    #[schema(required, example = 4.1)]
    max: Option<f64>,
}

/// Computes the indicators of a workspace, over windows that end now.
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
            .map(|figures| (figures.window.as_str(), render_window(figures)))
            .collect(),
        definitions: render_definitions(&DEFINITIONS),
    }))
}

fn render_window(figures: &WindowIndicators) -> WindowView {
    WindowView {
        cycles: render_cycles(&figures.slots),
        age_seconds: render_percentiles(figures.age),
        lag_seconds: render_percentiles(figures.lag),
        start_deviation_seconds: render_start_deviation(figures.start_deviation),
        coverage_percent: figures.coverage_percent,
        within_5_minutes_percent: figures.within_5_minutes_percent,
    }
}

fn render_cycles(slots: &SlotCounts) -> CyclesView {
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

fn render_percentiles(percentiles: Option<Percentiles>) -> PercentilesView {
    let seconds = |of: fn(Percentiles) -> TimeDelta| percentiles.map(|all| of(all).num_seconds());
    PercentilesView {
        p50: seconds(|all| all.p50),
        p95: seconds(|all| all.p95),
        p99: seconds(|all| all.p99),
    }
}

fn render_start_deviation(deviation: Option<StartDeviation>) -> StartDeviationView {
    let seconds =
        |of: fn(StartDeviation) -> TimeDelta| deviation.map(|all| of(all).as_seconds_f64());
    StartDeviationView {
        p50: seconds(|all| all.p50),
        p95: seconds(|all| all.p95),
        max: seconds(|all| all.max),
    }
}
