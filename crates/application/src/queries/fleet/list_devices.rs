//! The query that lists a workspace's devices.

use domain::fleet::{Device, DeviceFilter};
use domain::ids::{DeviceId, WorkspaceId};
use telemetry::metrics;

use super::get_workspace;
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists a workspace's devices in order of id.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_devices(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &DeviceFilter,
    page: &PageRequest<DeviceId>,
) -> Result<Page<Device, DeviceId>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("devices");
    let rows = core
        .store
        .devices(workspace_id, filter, page.after.as_ref(), page.rows())
        .await?;
    Ok(Page::cut(rows, page, |device| device.id.clone()))
}
