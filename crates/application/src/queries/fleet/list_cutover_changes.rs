//! The query that lists the changes of a workspace's cutover flags.

use domain::fleet::CutoverChange;
use domain::ids::WorkspaceId;
use telemetry::metrics;

use super::get_workspace;
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists the changes of a workspace's cutover flags, newest first. The position of a change is its version.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_cutover_changes(
    core: &Core,
    workspace_id: &WorkspaceId,
    page: &PageRequest<i64>,
) -> Result<Page<CutoverChange, i64>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("cutover_history");
    let rows = core
        .store
        .cutover_changes(workspace_id, page.after, page.rows())
        .await?;
    Ok(Page::cut(rows, page, |change| change.version))
}
