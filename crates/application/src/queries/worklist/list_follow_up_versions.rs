//! The query that lists all follow-ups that were written about a device.

use domain::follow_up::WrittenFollowUp;
use domain::ids::{DeviceId, WorkspaceId};
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_device};

/// Lists what was written about a device, newest first, over all its silences. The position of a follow-up is its
/// version.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown device; [`QueryError::Storage`].
pub async fn list_follow_up_versions(
    core: &Core,
    workspace_id: &WorkspaceId,
    device_id: &DeviceId,
    page: &PageRequest<i64>,
) -> Result<Page<WrittenFollowUp, i64>, QueryError> {
    get_device(core, workspace_id, device_id).await?;
    let _measured = metrics::query("follow_up_history");
    let rows = core
        .store
        .follow_up_versions(workspace_id, device_id, page.after, page.rows())
        .await?;
    Ok(Page::cut(rows, page, |written| written.version))
}
