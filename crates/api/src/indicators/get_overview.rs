//! `GET /overview`

use std::collections::{BTreeMap, HashMap};

use application::queries::{Rank, Standing, WorkspaceOverview, latest_cycles, overview};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::fleet::ReadOwner;
use domain::ids::{CycleId, WorkspaceId};
use domain::indicators::OVERVIEW_DEFINITIONS;
use domain::polling::CycleTrigger;
use persistence::health::LatestCycle;
use serde::Serialize;
use utoipa::ToSchema;

use super::definitions::{DefinitionView, definitions};
use crate::cutover::CutoverFlags;
use crate::openapi::schema;
use crate::problem::{FieldError, Problem};
use crate::request::{ListName, PageQuery, Paged, Query};
use crate::state::SharedState;

/// All workspaces, worst first: inactive ones last, then by the share within five minutes, then by the
/// success of cycles, then by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewAnswer {
    evaluated_at: DateTime<Utc>,
    workspaces: Vec<OverviewView>,
    totals: TotalsView,
    /// By figure.
    #[schema(value_type = BTreeMap<String, DefinitionView>)]
    definitions: BTreeMap<&'static str, DefinitionView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// A workspace among all. What there is nothing of is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct OverviewView {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    #[schema(value_type = schema::WorkspaceName)]
    name: String,
    active: bool,
    /// Devices by state; every state is present.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"healthy": 57, "delayed": 1, "stale": 1, "configured-no-data": 1, "awaiting-first-data": 0}))]
    counts: BTreeMap<&'static str, u32>,
    #[schema(required, example = 95.0)]
    within_5_minutes_percent: Option<f64>,
    #[schema(required, example = 99.65)]
    cycle_success_percent_24h: Option<f64>,
    #[schema(required, example = 290)]
    p95_age_seconds: Option<i64>,
    cutover: CutoverFlags,
    /// The newest, whatever became of it.
    #[schema(required)]
    last_cycle: Option<LastCycleView>,
    /// Whether core owns this workspace's reads.
    authoritative: bool,
}

/// A workspace's newest cycle.
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

/// All workspaces together, those of other pages too.
#[derive(Serialize, ToSchema)]
pub(crate) struct TotalsView {
    #[schema(example = 240)]
    workspaces: usize,
    /// Active devices.
    #[schema(example = 14_400)]
    devices: u32,
    /// Devices by state; every state is present.
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

/// Shows all workspaces. A later page is computed at the first one's instant, from what is stored by then.
#[utoipa::path(
    get, path = "/api/telematics-mvp/overview", tag = "indicators",
    params(("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = OverviewAnswer)),
)]
pub(crate) async fn get_overview(
    State(state): SharedState,
    list: ListName,
    Query(page): Query<PageQuery>,
) -> Result<Json<OverviewAnswer>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let after = paged.after().map(read_rank).transpose()?;
    let (mut workspaces, total) = overview(&state.core, paged.instant()).await?;
    let totals = totals_view(workspaces.len(), &total);
    workspaces.retain(|overview| after.as_ref().is_none_or(|after| overview.rank() > *after));
    let next_cursor = paged.cut(&mut workspaces, |overview| write_rank(&overview.rank()));
    let cycles = latest_cycles(&state.core, &workspaces).await?;
    Ok(Json(OverviewAnswer {
        evaluated_at: paged.instant(),
        workspaces: workspaces
            .iter()
            .map(|overview| overview_view(overview, &cycles))
            .collect(),
        totals,
        definitions: definitions(&OVERVIEW_DEFINITIONS),
        next_cursor,
    }))
}

/// A place in the list, as a cursor has it.
fn write_rank(rank: &Rank) -> String {
    let Rank {
        inactive,
        within_5_minutes,
        cycle_success,
        workspace_id,
    } = rank;
    format!("{inactive} {within_5_minutes} {cycle_success} {workspace_id}")
}

fn read_rank(key: &str) -> Result<Rank, Problem> {
    let mut words = key.split(' ');
    let mut read = || {
        Some(Rank {
            inactive: words.next()?.parse().ok()?,
            within_5_minutes: words.next()?.parse().ok()?,
            cycle_success: words.next()?.parse().ok()?,
            workspace_id: WorkspaceId::try_new(words.next()?).ok()?,
        })
    };
    read().ok_or_else(|| {
        let error = FieldError::parameter("cursor", "is not a cursor of this list");
        Problem::invalid(vec![error])
    })
}

fn overview_view(
    overview: &WorkspaceOverview,
    cycles: &HashMap<WorkspaceId, LatestCycle>,
) -> OverviewView {
    let workspace = &overview.record.workspace;
    OverviewView {
        workspace_id: workspace.id.clone(),
        name: workspace.name.as_str().to_owned(),
        active: workspace.active,
        counts: counts_view(&overview.standing),
        within_5_minutes_percent: overview.standing.freshness.percent(),
        cycle_success_percent_24h: overview.standing.slots.success_percent(),
        p95_age_seconds: overview.p95_age_seconds,
        cutover: workspace.cutover.into(),
        last_cycle: cycles.get(&workspace.id).map(last_cycle_view),
        authoritative: workspace.cutover.read_owner == ReadOwner::Core,
    }
}

fn last_cycle_view(cycle: &LatestCycle) -> LastCycleView {
    LastCycleView {
        cycle_id: cycle.cycle_id,
        trigger: cycle.trigger,
        status: cycle.status.clone(),
        scheduled_time: cycle.scheduled_time,
        started_at: cycle.started_at,
        ended_at: cycle.ended_at,
    }
}

fn totals_view(workspaces: usize, total: &Standing) -> TotalsView {
    TotalsView {
        workspaces,
        devices: total.devices(),
        counts: counts_view(total),
        within_5_minutes: total.freshness.within_5_minutes,
        eligible_devices: total.freshness.eligible_devices,
        within_5_minutes_percent: total.freshness.percent(),
        cycle_success_percent_24h: total.slots.success_percent(),
    }
}

fn counts_view(standing: &Standing) -> BTreeMap<&'static str, u32> {
    standing
        .counts
        .iter()
        .map(|(state, devices)| (state.as_str(), *devices))
        .collect()
}
