//! The query that lists the silent devices of one workspace or of all workspaces, oldest silence first.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use domain::fleet::{ProviderType, WorkspaceRecord};
use domain::follow_up::DeviceFollowUp;
use domain::health::{ActiveDevice, WorklistPosition, WorkspaceHealthFacts};
use domain::ids::{ProviderId, WorkspaceId};
use persistence::StorageError;
use persistence::worklist::{SilenceQuery, WorkspacePolling};
use telemetry::metrics;

use super::{SilentDevice, WorklistFilter};
use crate::Core;
use crate::queries::{HealthReport, Page, PageRequest, QueryError};

/// The number of silent devices that are evaluated for one page if the filter asks for a root cause, which the store
/// cannot compute.
const EVALUATED_AT_MOST: usize = 20_000;

/// Lists silent devices as of `now`, the oldest silence first: of one workspace, or of all whose reads are core's.
/// The number of statements is constant, whatever the number of workspaces.
///
/// A page can be short or even empty although there is a next page: if only few of very many silent devices have the
/// root cause that the filter asks for.
///
/// # Errors
/// [`QueryError::Storage`].
pub async fn list_silent_devices(
    core: &Core,
    filter: &WorklistFilter,
    page: &PageRequest<WorklistPosition>,
    now: DateTime<Utc>,
) -> Result<Page<SilentDevice, WorklistPosition>, QueryError> {
    let _measured = metrics::query("worklist");
    let mut listed = match &filter.workspace_id {
        Some(workspace_id) => list_of_workspace(core, filter, workspace_id, page, now).await?,
        None => list_of_all_workspaces(core, filter, page, now).await?,
    };
    add_follow_ups(core, &mut listed.items).await?;
    Ok(listed)
}

/// Adds the follow-ups of the devices' present silences.
async fn add_follow_ups(core: &Core, devices: &mut [SilentDevice]) -> Result<(), StorageError> {
    let ids: Vec<_> = devices
        .iter()
        .map(|silent| (&silent.workspace_id, &silent.device.row.device_id))
        .collect();
    let mut written = core.store.latest_follow_ups(&ids).await?;
    for silent in devices {
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
    Ok(())
}

/// Lists the silent devices of one workspace: evaluates the workspace's health, and leaves out the other devices.
async fn list_of_workspace(
    core: &Core,
    filter: &WorklistFilter,
    workspace_id: &WorkspaceId,
    page: &PageRequest<WorklistPosition>,
    now: DateTime<Utc>,
) -> Result<Page<SilentDevice, WorklistPosition>, StorageError> {
    let is_admitted = |record: WorkspaceRecord| {
        filter
            .read_owners()
            .contains(&record.workspace.cutover.read_owner)
    };
    let record = core.store.workspace(workspace_id).await?;
    let facts = if record.is_some_and(is_admitted) {
        core.store.health_facts(workspace_id).await?
    } else {
        None
    };
    let mut devices = facts.map_or_else(Vec::new, |(record, facts)| evaluate(record, facts, now));
    devices.retain(|silent| filter.admits(silent, now) && page.is_after(&silent.position()));
    Ok(cut(devices, page, None))
}

/// Lists the silent devices of all workspaces: evaluates the devices that the store finds beyond a cut-off.
async fn list_of_all_workspaces(
    core: &Core,
    filter: &WorklistFilter,
    page: &PageRequest<WorklistPosition>,
    now: DateTime<Utc>,
) -> Result<Page<SilentDevice, WorklistPosition>, StorageError> {
    let thresholds = core.store.thresholds().await?;
    let cut_offs: Vec<_> = thresholds
        .into_iter()
        .map(|thresholds| (thresholds, thresholds.cut_offs(now)))
        .collect();
    let wanted = if filter.is_by_cause() {
        EVALUATED_AT_MOST.max(page.limit + 1)
    } else {
        page.limit + 1
    };
    let query = SilenceQuery {
        cut_offs: &cut_offs,
        silent_since_at_latest: now.checked_sub_signed(filter.silent_for),
        provider: filter.provider.as_ref(),
        read_owners: filter.read_owners(),
        after: page.after.as_ref(),
        limit: i64::try_from(wanted).unwrap_or(i64::MAX),
    };
    let rows = core.store.silent_devices(query).await?;
    let last_evaluated = rows
        .last()
        .filter(|_| rows.len() == wanted)
        .map(|(workspace_id, row)| WorklistPosition {
            silent_since: row.facts.silent_since(),
            workspace_id: workspace_id.clone(),
            device_id: row.device_id.clone(),
        });
    let mut devices = evaluate_rows(core, rows, now).await?;
    devices.retain(|silent| filter.admits(silent, now));
    Ok(cut(devices, page, last_evaluated))
}

/// Loads the other facts that the health of some devices follows from, and evaluates the devices.
async fn evaluate_rows(
    core: &Core,
    rows: Vec<(WorkspaceId, ActiveDevice)>,
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
        core.store.workspaces_by_id(&workspaces),
        core.store.recent_polling(&connections),
        core.store.last_rejections_of(&ids),
    )?;
    let mut devices: HashMap<WorkspaceId, Vec<ActiveDevice>> = HashMap::new();
    for (workspace_id, mut row) in rows {
        let key = (workspace_id.clone(), row.device_id.clone());
        row.last_rejection = rejections.remove(&key);
        devices.entry(workspace_id).or_default().push(row);
    }
    let mut silent = Vec::new();
    for record in records {
        let id = &record.workspace.id;
        // The connections of the workspace can have been removed since the devices were read.
        let WorkspacePolling {
            connections,
            last_cycle_ended_at,
        } = polling.remove(id).unwrap_or_default();
        let facts = WorkspaceHealthFacts {
            devices: devices.remove(id).unwrap_or_default(),
            connections,
            last_cycle_ended_at,
        };
        silent.extend(evaluate(record, facts, now));
    }
    Ok(silent)
}

/// Evaluates each device of the facts by the same rule as the workspace's health.
fn evaluate(
    record: WorkspaceRecord,
    facts: WorkspaceHealthFacts,
    now: DateTime<Utc>,
) -> Vec<SilentDevice> {
    let types: HashMap<ProviderId, ProviderType> = facts
        .connections
        .iter()
        .map(|connection| {
            let provider_type = connection.facts.provider_type;
            (connection.provider_id.clone(), provider_type)
        })
        .collect();
    let HealthReport { summary, devices } = HealthReport::evaluate(record, facts, now);
    let workspace = summary.record.workspace;
    devices
        .into_iter()
        .map(|device| SilentDevice {
            workspace_id: workspace.id.clone(),
            workspace_name: workspace.name.clone(),
            provider_type: types.get(&device.row.provider_id).copied(),
            device,
            follow_up: None,
        })
        .collect()
}

/// Sorts the devices and cuts a page. The next page starts after the last device of the page or, if the page holds all
/// of the devices, after the last device that was evaluated.
fn cut(
    mut devices: Vec<SilentDevice>,
    request: &PageRequest<WorklistPosition>,
    last_evaluated: Option<WorklistPosition>,
) -> Page<SilentDevice, WorklistPosition> {
    devices.sort_by_cached_key(SilentDevice::position);
    let page = Page::cut(devices, request, SilentDevice::position);
    Page {
        next: page.next.or(last_evaluated),
        ..page
    }
}
