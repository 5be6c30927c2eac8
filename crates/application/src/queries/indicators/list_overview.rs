//! The query behind the overview: it lists all workspaces with their figures, worst first.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::WorkspaceRecord;
use domain::health::{Freshness, HealthState, PollingFacts, Thresholds};
use domain::ids::{ProviderId, WorkspaceId};
use domain::indicators::{OVERVIEW_HOURS, SlotCounts, hour_of, hundredths_of};
use domain::polling::LatestCycle;
use persistence::StorageError;
use persistence::health::{ConnectionCutOffs, DevicesByState};
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// The figures of one workspace, or of all together.
#[derive(Clone, Debug, Default)]
pub struct OverviewFigures {
    /// The number of devices in each state; every state is present.
    pub counts: BTreeMap<HealthState, u32>,
    /// The share of devices that were updated within five minutes (NFR-001), now.
    pub freshness: Freshness,
    /// The slots of the last 24 whole hours.
    pub slots: SlotCounts,
}

/// All workspaces at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The workspaces of the page, worst first.
    pub page: Page<WorkspaceOverview, OverviewRank>,
    /// The number of all workspaces, those of other pages too.
    pub workspaces: usize,
    /// The figures of all workspaces together.
    pub total: OverviewFigures,
}

/// One workspace of the overview.
#[derive(Clone, Debug)]
pub struct WorkspaceOverview {
    /// The workspace.
    pub record: WorkspaceRecord,
    /// The figures of the workspace.
    pub figures: OverviewFigures,
    /// The age that 95 in a hundred of the workspace's devices do not exceed.
    pub p95_age_seconds: Option<i64>,
    /// The newest cycle of the workspace, whatever became of it.
    pub latest_cycle: Option<LatestCycle>,
}

/// The position of a workspace in the overview. Inactive workspaces come last. Of the others the one with the lowest
/// share within five minutes comes first, then the one with the lowest share of successful cycles; a workspace without
/// a share comes after those that have one. Workspaces alike are in order of id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverviewRank {
    /// Whether the workspace is inactive.
    pub inactive: bool,
    /// The share of devices within five minutes, in hundredths of a percent.
    pub within_5_minutes: u32,
    /// The share of successful cycles, in hundredths of a percent.
    pub cycle_success: u32,
    /// The workspace's id.
    pub workspace_id: WorkspaceId,
}

impl WorkspaceOverview {
    /// Returns the position of the workspace in the list.
    pub fn rank(&self) -> OverviewRank {
        let Freshness {
            within_5_minutes,
            eligible_devices,
        } = self.figures.freshness;
        let within = hundredths_of(within_5_minutes.into(), eligible_devices.into());
        OverviewRank {
            inactive: !self.record.workspace.active,
            within_5_minutes: within.unwrap_or(u32::MAX),
            cycle_success: self.figures.slots.success_hundredths().unwrap_or(u32::MAX),
            workspace_id: self.record.workspace.id.clone(),
        }
    }
}

/// Lists all workspaces as of `now`, worst first: the same few statements however many there are.
///
/// # Errors
/// [`QueryError::Storage`].
pub async fn list_overview(
    core: &Core,
    page: &PageRequest<OverviewRank>,
    now: DateTime<Utc>,
) -> Result<Overview, QueryError> {
    let _measured = metrics::query("overview");
    let mut workspaces = compute_figures(core, now).await?;
    let mut total = OverviewFigures::new();
    for overview in &workspaces {
        total.add(&overview.figures);
    }
    let count = workspaces.len();
    workspaces.sort_by_cached_key(WorkspaceOverview::rank);
    workspaces.retain(|overview| page.is_after(&overview.rank()));
    let mut page = Page::cut(workspaces, page, WorkspaceOverview::rank);
    let ids = page
        .items
        .iter()
        .map(|overview| &overview.record.workspace.id);
    let mut cycles = core.store.latest_cycles(ids).await?;
    for overview in &mut page.items {
        overview.latest_cycle = cycles.remove(&overview.record.workspace.id);
    }
    Ok(Overview {
        page,
        workspaces: count,
        total,
    })
}

/// Computes the figures of every workspace, in order of id.
async fn compute_figures(
    core: &Core,
    now: DateTime<Utc>,
) -> Result<Vec<WorkspaceOverview>, StorageError> {
    let last_hour = hour_of(now);
    let first_hour = last_hour + TimeDelta::hours(1) - OVERVIEW_HOURS;
    let (records, connections, ends, mut slots) = tokio::try_join!(
        core.store.workspaces(None, i64::MAX),
        core.store.all_polled_connections(),
        core.store.last_cycle_ends(),
        core.store.slots_by_hour(first_hour, last_hour),
    )?;
    let by_id: HashMap<&WorkspaceId, &WorkspaceRecord> = records
        .iter()
        .map(|record| (&record.workspace.id, record))
        .collect();
    let (mut cuts, mut down) = (Vec::new(), HashSet::new());
    for connection in &connections {
        // The two reads are not of one instant: the workspace can have been registered between them.
        let Some(record) = by_id.get(&connection.workspace_id) else {
            continue;
        };
        let declared = connection.facts.declared_interval_minutes;
        cuts.push(ConnectionCutOffs {
            workspace_id: connection.workspace_id.clone(),
            provider_id: connection.provider_id.clone(),
            cut_offs: Thresholds::new(record.workspace.policy, declared).cut_offs(now),
        });
        let polling = PollingFacts::of_connection(
            &record.workspace,
            record.cutover.changed_at,
            Some(&connection.facts),
            ends.get(&connection.workspace_id).copied(),
        );
        if polling.provider_is_down(now) {
            down.insert((&connection.workspace_id, &connection.provider_id));
        }
    }
    let groups = core.store.devices_by_state(&cuts, now).await?;
    let mut of_workspaces = sum_by_workspace(groups, &down);
    let workspaces = records.into_iter().map(|record| {
        // The store returns no group for a workspace without devices.
        let (mut figures, p95_age_seconds) = of_workspaces
            .remove(&record.workspace.id)
            .unwrap_or_else(|| (OverviewFigures::new(), None));
        figures.slots = slots.remove(&record.workspace.id).unwrap_or_default();
        WorkspaceOverview {
            record,
            figures,
            p95_age_seconds,
            latest_cycle: None,
        }
    });
    Ok(workspaces.collect())
}

/// Sums the groups of devices up by workspace, each with the age that 95 in a hundred devices do not exceed.
fn sum_by_workspace(
    groups: Vec<DevicesByState>,
    down: &HashSet<(&WorkspaceId, &ProviderId)>,
) -> HashMap<WorkspaceId, (OverviewFigures, Option<i64>)> {
    let mut of_workspaces: HashMap<WorkspaceId, (OverviewFigures, Option<i64>)> = HashMap::new();
    for group in groups {
        let (figures, p95) = of_workspaces.entry(group.workspace_id.clone()).or_default();
        match &group.provider_id {
            None => {
                let counts = group.counts.iter();
                figures.counts = counts.map(|count| (count.state, count.devices)).collect();
                *p95 = group.p95_age_seconds;
            }
            Some(provider_id) => {
                let is_down = down.contains(&(&group.workspace_id, provider_id));
                for count in group.counts {
                    figures.freshness.count(count, is_down);
                }
            }
        }
    }
    of_workspaces
}

impl OverviewFigures {
    /// Creates figures without devices, in which every state is present.
    fn new() -> Self {
        Self {
            counts: HealthState::ALL.iter().map(|state| (*state, 0)).collect(),
            ..Self::default()
        }
    }

    /// Adds the figures of another workspace.
    fn add(&mut self, other: &Self) {
        for (state, devices) in &other.counts {
            *self.counts.entry(*state).or_default() += devices;
        }
        self.freshness += other.freshness;
        self.slots += other.slots;
    }

    /// Returns the number of active devices.
    pub fn devices(&self) -> u32 {
        self.counts.values().sum()
    }
}
