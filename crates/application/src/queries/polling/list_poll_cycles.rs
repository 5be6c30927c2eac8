//! The query that lists a workspace's poll cycles.

use domain::ids::{CycleId, WorkspaceId};
use domain::polling::PollCycle;
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_workspace};

/// Lists a workspace's poll cycles, newest first.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_poll_cycles(
    core: &Core,
    workspace_id: &WorkspaceId,
    page: &PageRequest<CycleId>,
) -> Result<Page<PollCycle, CycleId>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("poll_cycles");
    let rows = core
        .store
        .poll_cycles(workspace_id, None, page.after, page.rows())
        .await?;
    Ok(Page::cut(rows, page, |cycle| cycle.cycle_id))
}
