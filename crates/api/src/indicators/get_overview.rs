//! `GET /overview`

use std::collections::BTreeMap;

use application::queries::{OverviewFigures, WorkspaceOverview, list_overview};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{CycleId, WorkspaceId};
use domain::indicators::OVERVIEW_DEFINITIONS;
use domain::polling::{CycleTrigger, LatestCycle};
use serde::Serialize;
use utoipa::ToSchema;

use super::definitions::{DefinitionView, render_definitions};
use crate::cutover::CutoverFlags;
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Query};
use crate::state::SharedState;

/// All workspaces, the worst first: active ones before inactive ones, then by the share of devices updated within
/// five minutes, then by the share of successful cycles, then by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewAnswer {
    evaluated_at: DateTime<Utc>,
    workspaces: Vec<OverviewView>,
    totals: TotalsView,
    /// What each figure means, by the name of the figure.
    #[schema(value_type = BTreeMap<String, DefinitionView>)]
    definitions: BTreeMap<&'static str, DefinitionView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// One workspace of the overview. A figure without anything to count is `null`.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewView {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    #[schema(value_type = schema::WorkspaceName)]
    name: String,
    active: bool,
    /// The number of devices in each state. Every state is present, also with 0.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"healthy": 57, "delayed": 1, "stale": 1, "configured-no-data": 1, "awaiting-first-data": 0}))]
    counts: BTreeMap<&'static str, u32>,
    #[schema(required, example = 95.0)]
    within_5_minutes_percent: Option<f64>,
    #[schema(required, example = 99.65)]
    cycle_success_percent_24h: Option<f64>,
    #[schema(required, example = 290)]
    p95_age_seconds: Option<i64>,
    cutover: CutoverFlags,
    /// The newest cycle, whatever its outcome.
    #[schema(required)]
    last_cycle: Option<LastCycleView>,
    /// Whether core, not the legacy service, owns this workspace's reads.
    authoritative: bool,
}

/// The newest cycle of a workspace.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastCycleView {
    #[schema(value_type = schema::CycleId)]
    cycle_id: CycleId,
    #[schema(value_type = schema::CycleTrigger)]
    trigger: CycleTrigger,
    #[schema(value_type = schema::CycleStatus)]
    status: String,
    #[schema(required)]
    scheduled_time: Option<DateTime<Utc>>,
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
}

/// The figures over all workspaces, including those of other pages.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotalsView {
    #[schema(example = 240)]
    workspaces: usize,
    /// The number of active devices.
    #[schema(example = 14_400)]
    devices: u32,
    /// The number of devices in each state. Every state is present, also with 0.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"healthy": 14_200, "delayed": 20, "stale": 160, "configured-no-data": 20, "awaiting-first-data": 0}))]
    counts: BTreeMap<&'static str, u32>,
    #[schema(example = 14_100)]
    within_5_minutes: u32,
    #[schema(example = 14_380)]
    eligible_devices: u32,
    #[schema(required, example = 98.05)]
    within_5_minutes_percent: Option<f64>,
    #[schema(required, example = 99.71)]
    cycle_success_percent_24h: Option<f64>,
}

/// Lists all workspaces with their figures. A later page is computed as of the instant of the first page, from the
/// records that are stored when it is requested.
#[utoipa::path(
    get, path = "/api/telematics-mvp/overview", tag = "indicators",
    params(PageParameters),
    responses((status = 200, body = OverviewAnswer)),
)]
pub(crate) async fn get_overview(
    State(state): SharedState,
    list: ListName,
    Query(page): Query<PageParameters>,
) -> Result<Json<OverviewAnswer>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let overview = list_overview(&state.core, paged.request(), paged.instant()).await?;
    let totals = render_totals(overview.workspaces, &overview.total);
    let (workspaces, next_cursor) = paged.render(overview.page, |one| render_workspace(&one));
    Ok(Json(OverviewAnswer {
        evaluated_at: paged.instant(),
        workspaces,
        totals,
        definitions: render_definitions(&OVERVIEW_DEFINITIONS),
        next_cursor,
    }))
}

fn render_workspace(overview: &WorkspaceOverview) -> OverviewView {
    let workspace = &overview.record.workspace;
    OverviewView {
        workspace_id: workspace.id.clone(),
        name: workspace.name.as_str().to_owned(),
        active: workspace.active,
        counts: render_counts(&overview.figures),
        within_5_minutes_percent: overview.figures.freshness.percent(),
        cycle_success_percent_24h: overview.figures.slots.success_percent(),
        p95_age_seconds: overview.p95_age_seconds,
        cutover: workspace.cutover.into(),
        last_cycle: overview.latest_cycle.as_ref().map(render_last_cycle),
        authoritative: workspace.is_authoritative(),
    }
}

fn render_last_cycle(cycle: &LatestCycle) -> LastCycleView {
    LastCycleView {
        cycle_id: cycle.cycle_id,
        trigger: cycle.trigger,
        status: cycle.status.clone(),
        scheduled_time: cycle.scheduled_time,
        started_at: cycle.started_at,
        ended_at: cycle.ended_at,
    }
}

fn render_totals(workspaces: usize, total: &OverviewFigures) -> TotalsView {
    TotalsView {
        workspaces,
        devices: total.devices(),
        counts: render_counts(total),
        within_5_minutes: total.freshness.within_5_minutes,
        eligible_devices: total.freshness.eligible_devices,
        within_5_minutes_percent: total.freshness.percent(),
        cycle_success_percent_24h: total.slots.success_percent(),
    }
}

fn render_counts(figures: &OverviewFigures) -> BTreeMap<&'static str, u32> {
    figures
        .counts
        .iter()
        .map(|(state, devices)| (state.as_str(), *devices))
        .collect()
}
