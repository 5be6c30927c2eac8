//! The query that lists the snapshots of a workspace's devices.

use chrono::{DateTime, Utc};
use domain::fleet::Policy;
use domain::history::StoredSnapshot;
use domain::ids::{DeviceId, WorkspaceId};
use telemetry::metrics;

use super::{DeviceSnapshot, SignalFilter, workspace_with_own_reads};
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists the snapshots of a workspace's active devices in order of id, with ages as of `now`.
///
/// The store cannot filter by a signal's freshness, so the query reads rows until a page is full.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::ReadsOwnedByLegacy`];
/// [`QueryError::Storage`].
pub async fn list_snapshots(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: SignalFilter,
    page: &PageRequest<DeviceId>,
    now: DateTime<Utc>,
) -> Result<Page<DeviceSnapshot, DeviceId>, QueryError> {
    let record = workspace_with_own_reads(core, workspace_id).await?;
    let _measured = metrics::query("snapshots");
    let mut after = page.after.clone();
    let mut listed = Vec::new();
    loop {
        let rows = core
            .store
            .snapshots(workspace_id, None, after.as_ref(), page.rows())
            .await?;
        let is_last = rows.len() <= page.limit;
        after = rows.last().map(|row| row.device_id.clone());
        listed.extend(evaluate_rows(rows, filter, record.workspace.policy, now));
        if is_last || listed.len() > page.limit {
            let position = |last: &DeviceSnapshot| last.row.device_id.clone();
            return Ok(Page::cut(listed, page, position));
        }
    }
}

/// Evaluates stored snapshots, and keeps those that the filter admits.
fn evaluate_rows(
    rows: Vec<StoredSnapshot>,
    filter: SignalFilter,
    policy: Policy,
    now: DateTime<Utc>,
) -> impl Iterator<Item = DeviceSnapshot> {
    rows.into_iter().filter_map(move |row| {
        let mut snapshot = DeviceSnapshot::evaluate(row, policy, now);
        filter.admits(&snapshot).then(|| {
            filter.trim(&mut snapshot);
            snapshot
        })
    })
}
