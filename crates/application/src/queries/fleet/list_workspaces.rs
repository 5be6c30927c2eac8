//! The query that lists all workspaces.

use domain::fleet::WorkspaceRecord;
use domain::ids::WorkspaceId;
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists all workspaces in order of id.
///
/// # Errors
/// [`QueryError::Storage`].
pub async fn list_workspaces(
    core: &Core,
    page: &PageRequest<WorkspaceId>,
) -> Result<Page<WorkspaceRecord, WorkspaceId>, QueryError> {
    let _measured = metrics::query("workspaces");
    let rows = core
        .store
        .workspaces(page.after.as_ref(), page.rows())
        .await?;
    Ok(Page::cut(rows, page, |record| record.workspace.id.clone()))
}
