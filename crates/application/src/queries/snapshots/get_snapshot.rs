//! The query that loads the snapshot of one device.

use chrono::{DateTime, Utc};
use domain::ids::{DeviceId, WorkspaceId};
use telemetry::metrics;

use super::{DeviceSnapshot, SignalFilter, workspace_with_own_reads};
use crate::Core;
use crate::queries::QueryError;

/// Loads the snapshot of one active device, with ages as of `now` and only the signals that the filter admits.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace or device; [`QueryError::ReadsOwnedByLegacy`];
/// [`QueryError::Storage`].
pub async fn get_snapshot(
    core: &Core,
    workspace_id: &WorkspaceId,
    device_id: &DeviceId,
    filter: SignalFilter,
    now: DateTime<Utc>,
) -> Result<DeviceSnapshot, QueryError> {
    let record = workspace_with_own_reads(core, workspace_id).await?;
    let _measured = metrics::query("snapshot");
    let row = core.store.snapshot(workspace_id, device_id).await?;
    let row = row.ok_or(QueryError::NotFound("active device"))?;
    let mut snapshot = DeviceSnapshot::evaluate(row, record.workspace.policy, now);
    filter.trim(&mut snapshot);
    Ok(snapshot)
}
