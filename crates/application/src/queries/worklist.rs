//! Who is silent, oldest silence first: of one workspace, or of all.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::{ProviderType, ReadOwner, WorkspaceName};
use domain::follow_up::{DeviceFollowUp, WrittenFollowUp};
use domain::health::{Reason, Responsibility, WorklistPosition};
use domain::ids::{ProviderId, WorkspaceId};
use persistence::StorageError;
use persistence::fleet::WorkspaceRecord;
use persistence::health::{HealthRow, WorkspaceHealthFacts};
use persistence::worklist::{SilenceQuery, WorkspacePolling};
use telemetry::metrics;

use super::health::{DeviceHealth, report};
use crate::Core;

/// Silent devices that are looked at in one go where a filter asks for a cause, which only the rule knows.
const LOOKED_AT: usize = 20_000;

/// Which silent devices are wanted; what is absent leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorklistFilter {
    /// Of one workspace.
    pub workspace_id: Option<WorkspaceId>,
    /// Of connections of this name, or of this type.
    pub provider: Option<ProviderId>,
    /// With this root cause.
    pub reason: Option<Reason>,
    /// Whose cause is theirs to mend.
    pub responsibility: Option<Responsibility>,
    /// Silent for so long at least.
    pub silent_for: TimeDelta,
    /// Also of workspaces whose reads are not core's.
    pub not_cut_over: bool,
}

/// A device that is stale or never reported.
#[derive(Clone, Debug)]
pub struct SilentDevice {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// What people call the workspace.
    pub workspace_name: WorkspaceName,
    /// The protocol that it is reached by.
    pub provider_type: Option<ProviderType>,
    /// Its state, and why.
    pub device: DeviceHealth,
    /// What has been done about this silence.
    pub follow_up: Option<WrittenFollowUp>,
}

/// A cut of a worklist.
#[derive(Clone, Debug)]
pub struct WorklistPage {
    /// In the order of their places.
    pub devices: Vec<SilentDevice>,
    /// Where the list goes on, if it does. A page can be short, and even empty, and the list go on all the
    /// same: where few of very many silent devices have the cause that is asked for.
    pub next: Option<WorklistPosition>,
}

impl WorklistFilter {
    fn read_owners(&self) -> &'static [ReadOwner] {
        if self.not_cut_over {
            ReadOwner::ALL
        } else {
            &[ReadOwner::Core]
        }
    }

    fn is_by_cause(&self) -> bool {
        self.reason.is_some() || self.responsibility.is_some()
    }

    /// The last word on a device, whatever the store has let through.
    fn admits(&self, silent: &SilentDevice, now: DateTime<Utc>) -> bool {
        let DeviceHealth {
            row, health, cause, ..
        } = &silent.device;
        let of_provider = self.provider.as_ref().is_none_or(|wanted| {
            row.provider_id == *wanted
                || silent.provider_type.map(ProviderType::as_str) == Some(wanted.as_str())
        });
        health.state.is_silence()
            && of_provider
            && now - row.facts.silent_since() >= self.silent_for
            && self
                .reason
                .is_none_or(|wanted| cause.is_some_and(|cause| cause.reason == wanted))
            && self
                .responsibility
                .is_none_or(|wanted| cause.is_some_and(|cause| cause.responsibility == wanted))
    }
}

impl SilentDevice {
    /// Where it stands in the list.
    pub fn place(&self) -> WorklistPosition {
        WorklistPosition {
            silent_since: self.silent_since(),
            workspace_id: self.workspace_id.clone(),
            device_id: self.device.row.device_id.clone(),
        }
    }

    /// The beginning of its silence.
    pub fn silent_since(&self) -> DateTime<Utc> {
        self.device.row.facts.silent_since()
    }
}

/// The silent devices after a place, at most `limit` of them, as of `now`. A constant number of statements,
/// whatever the number of workspaces.
///
/// # Errors
/// When the store fails.
pub async fn worklist(
    core: &Core,
    filter: &WorklistFilter,
    after: Option<&WorklistPosition>,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<WorklistPage, StorageError> {
    let _measured = metrics::query("worklist");
    let mut page = match &filter.workspace_id {
        Some(workspace_id) => of_one(core, filter, workspace_id, after, limit, now).await?,
        None => of_all(core, filter, after, limit, now).await?,
    };
    let shown: Vec<_> = page
        .devices
        .iter()
        .map(|silent| (&silent.workspace_id, &silent.device.row.device_id))
        .collect();
    let mut written = core.store.follow_ups_of(&shown).await?;
    for silent in &mut page.devices {
        let key = (
            silent.workspace_id.clone(),
            silent.device.row.device_id.clone(),
        );
        let device = DeviceFollowUp {
            silent_since: silent.silent_since(),
            latest: written.remove(&key),
        };
        silent.follow_up = device.current().cloned();
    }
    Ok(page)
}

/// The workspace's health, with those left out who are not silent.
async fn of_one(
    core: &Core,
    filter: &WorklistFilter,
    workspace_id: &WorkspaceId,
    after: Option<&WorklistPosition>,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<WorklistPage, StorageError> {
    let is_admitted = |record: WorkspaceRecord| {
        filter
            .read_owners()
            .contains(&record.workspace.cutover.read_owner)
    };
    let record = core.store.workspace(workspace_id).await?;
    let told = if record.is_some_and(is_admitted) {
        core.store.health_facts(workspace_id).await?
    } else {
        None
    };
    let mut devices = told.map_or_else(Vec::new, |(record, facts)| judged(&record, facts, now));
    devices.retain(|silent| {
        filter.admits(silent, now) && after.is_none_or(|after| silent.place() > *after)
    });
    Ok(cut(devices, limit, None))
}

/// Those whom the store finds beyond a cut-off, with what their workspaces' health is computed from.
async fn of_all(
    core: &Core,
    filter: &WorklistFilter,
    after: Option<&WorklistPosition>,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<WorklistPage, StorageError> {
    let thresholds = core.store.thresholds().await?;
    let cut_offs: Vec<_> = thresholds
        .into_iter()
        .map(|thresholds| (thresholds, thresholds.cut_offs(now)))
        .collect();
    let wanted = if filter.is_by_cause() {
        LOOKED_AT.max(limit + 1)
    } else {
        limit + 1
    };
    let query = SilenceQuery {
        cut_offs: &cut_offs,
        silent_since_at_latest: now.checked_sub_signed(filter.silent_for),
        provider: filter.provider.as_ref(),
        read_owners: filter.read_owners(),
        after,
        limit: i64::try_from(wanted).unwrap_or(i64::MAX),
    };
    let rows = core.store.silent_devices(query).await?;
    let last_looked_at = rows
        .last()
        .filter(|_| rows.len() == wanted)
        .map(|(workspace_id, row)| WorklistPosition {
            silent_since: row.facts.silent_since(),
            workspace_id: workspace_id.clone(),
            device_id: row.device_id.clone(),
        });
    let mut devices = with_their_facts(core, rows, now).await?;
    devices.retain(|silent| filter.admits(silent, now));
    Ok(cut(devices, limit, last_looked_at))
}

async fn with_their_facts(
    core: &Core,
    rows: Vec<(WorkspaceId, HealthRow)>,
    now: DateTime<Utc>,
) -> Result<Vec<SilentDevice>, StorageError> {
    let connections: BTreeSet<_> = rows
        .iter()
        .map(|(workspace_id, row)| (workspace_id, &row.provider_id))
        .collect();
    let connections: Vec<_> = connections.into_iter().collect();
    let mut workspaces: Vec<_> = connections.iter().map(|(id, _)| *id).collect();
    workspaces.dedup();
    let ids: Vec<_> = rows
        .iter()
        .map(|(workspace_id, row)| (workspace_id, &row.device_id))
        .collect();
    let (records, mut polling, mut rejections) = tokio::try_join!(
        core.store.workspaces_of(&workspaces),
        core.store.polling_of(&connections),
        core.store.last_rejections_of(&ids),
    )?;
    let mut devices: HashMap<WorkspaceId, Vec<HealthRow>> = HashMap::new();
    for (workspace_id, mut row) in rows {
        let key = (workspace_id.clone(), row.device_id.clone());
        row.last_rejection = rejections.remove(&key);
        devices.entry(workspace_id).or_default().push(row);
    }
    let mut silent = Vec::new();
    for record in records {
        let id = &record.workspace.id;
        let WorkspacePolling {
            connections,
            last_cycle_ended_at,
        } = polling.remove(id).unwrap_or_default();
        let facts = WorkspaceHealthFacts {
            devices: devices.remove(id).unwrap_or_default(),
            connections,
            last_cycle_ended_at,
        };
        silent.extend(judged(&record, facts, now));
    }
    Ok(silent)
}

/// Each device of the facts, as the workspace's health says it.
fn judged(
    record: &WorkspaceRecord,
    facts: WorkspaceHealthFacts,
    now: DateTime<Utc>,
) -> Vec<SilentDevice> {
    let types: HashMap<ProviderId, ProviderType> = facts
        .connections
        .iter()
        .map(|connection| {
            (
                connection.provider_id.clone(),
                connection.facts.provider_type,
            )
        })
        .collect();
    report(record, facts, now)
        .devices
        .into_iter()
        .map(|device| SilentDevice {
            workspace_id: record.workspace.id.clone(),
            workspace_name: record.workspace.name.clone(),
            provider_type: types.get(&device.row.provider_id).copied(),
            device,
            follow_up: None,
        })
        .collect()
}

/// The first of them in order. The list goes on after the last that is shown, or, where all are shown, after
/// the last that was looked at.
fn cut(
    mut devices: Vec<SilentDevice>,
    limit: usize,
    last_looked_at: Option<WorklistPosition>,
) -> WorklistPage {
    devices.sort_by_cached_key(SilentDevice::place);
    let next = if devices.len() > limit {
        devices.truncate(limit);
        devices.last().map(SilentDevice::place)
    } else {
        last_looked_at
    };
    WorklistPage { devices, next }
}
