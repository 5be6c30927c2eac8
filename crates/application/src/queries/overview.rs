//! All workspaces at once, worst first.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::health::{Freshness, HealthState, PollingFacts, Thresholds};
use domain::ids::WorkspaceId;
use domain::indicators::{OVERVIEW_HOURS, SlotCounts, hour_of, hundredths_of};
use persistence::fleet::WorkspaceRecord;
use persistence::health::{ConnectionCutOffs, LatestCycle};
use persistence::{Page, StorageError};
use telemetry::metrics;

use crate::Core;

/// How some devices and cycles fare.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// How many devices are in each state; every state is there.
    pub counts: BTreeMap<HealthState, u32>,
    /// NFR-001's share, now.
    pub freshness: Freshness,
    /// Slots of the last 24 whole hours.
    pub slots: SlotCounts,
}

/// A workspace among all.
#[derive(Clone, Debug)]
pub struct WorkspaceOverview {
    /// The workspace.
    pub record: WorkspaceRecord,
    /// How it fares.
    pub standing: Standing,
    /// The nearest rank of 95 in a hundred ages of its devices.
    pub p95_age_seconds: Option<i64>,
}

/// A workspace's place: inactive ones last, then by the share within five minutes, then by the success of
/// cycles, the lowest first and none after all, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Whether it is switched off.
    pub inactive: bool,
    /// Hundredths of a percent.
    pub within_5_minutes: u32,
    /// Hundredths of a percent.
    pub cycle_success: u32,
    /// Of two alike the first.
    pub workspace_id: WorkspaceId,
}

impl WorkspaceOverview {
    /// Where it stands in the list.
    pub fn rank(&self) -> Rank {
        let Freshness {
            within_5_minutes,
            eligible_devices,
        } = self.standing.freshness;
        let within = hundredths_of(within_5_minutes.into(), eligible_devices.into());
        Rank {
            inactive: !self.record.workspace.active,
            within_5_minutes: within.unwrap_or(u32::MAX),
            cycle_success: self.standing.slots.success_hundredths().unwrap_or(u32::MAX),
            workspace_id: self.record.workspace.id.clone(),
        }
    }
}

/// Every workspace as of `now`, worst first, and all of them together: the same few statements however
/// many there are.
///
/// # Errors
/// When the store fails.
pub async fn overview(
    core: &Core,
    now: DateTime<Utc>,
) -> Result<(Vec<WorkspaceOverview>, Standing), StorageError> {
    let _measured = metrics::query("overview");
    let everything = Page {
        after: None,
        limit: i64::MAX,
    };
    let last_hour = hour_of(now);
    let first_hour = last_hour + TimeDelta::hours(1) - OVERVIEW_HOURS;
    let (records, connections, ends, mut slots) = tokio::try_join!(
        core.store.workspaces(&everything),
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
        // One that was registered since is not there yet.
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
    let mut of_workspaces: HashMap<WorkspaceId, (Standing, Option<i64>)> = HashMap::new();
    for group in groups {
        let (standing, p95) = of_workspaces.entry(group.workspace_id.clone()).or_default();
        match &group.provider_id {
            None => {
                let counts = group.counts.iter();
                standing.counts = counts.map(|count| (count.state, count.devices)).collect();
                *p95 = group.p95_age_seconds;
            }
            Some(provider_id) => {
                let is_down = down.contains(&(&group.workspace_id, provider_id));
                for count in group.counts {
                    standing.freshness.count(count, is_down);
                }
            }
        }
    }
    let mut total = Standing::new();
    let mut workspaces: Vec<WorkspaceOverview> = records
        .into_iter()
        .map(|record| {
            let (mut standing, p95_age_seconds) = of_workspaces
                .remove(&record.workspace.id)
                .unwrap_or_else(|| (Standing::new(), None));
            standing.slots = slots.remove(&record.workspace.id).unwrap_or_default();
            total.add(&standing);
            WorkspaceOverview {
                record,
                standing,
                p95_age_seconds,
            }
        })
        .collect();
    workspaces.sort_by_cached_key(WorkspaceOverview::rank);
    Ok((workspaces, total))
}

/// The newest cycle of each workspace of a page.
///
/// # Errors
/// When the store fails.
pub async fn latest_cycles(
    core: &Core,
    page: &[WorkspaceOverview],
) -> Result<HashMap<WorkspaceId, LatestCycle>, StorageError> {
    let ids = page.iter().map(|overview| &overview.record.workspace.id);
    core.store.latest_cycles(ids).await
}

impl Standing {
    fn new() -> Self {
        Self {
            counts: HealthState::ALL.iter().map(|state| (*state, 0)).collect(),
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        for (state, devices) in &other.counts {
            *self.counts.entry(*state).or_default() += devices;
        }
        self.freshness += other.freshness;
        self.slots += other.slots;
    }

    /// All active devices.
    pub fn devices(&self) -> u32 {
        self.counts.values().sum()
    }
}
