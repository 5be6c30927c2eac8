//! The query that loads one poll cycle.

use domain::ids::{CycleId, WorkspaceId};
use domain::polling::PollCycle;

use crate::Core;
use crate::queries::{QueryError, get_workspace};

/// Loads one poll cycle of a workspace.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace or cycle; [`QueryError::Storage`].
pub async fn get_poll_cycle(
    core: &Core,
    workspace_id: &WorkspaceId,
    cycle_id: CycleId,
) -> Result<PollCycle, QueryError> {
    get_workspace(core, workspace_id).await?;
    let cycles = core
        .store
        .poll_cycles(workspace_id, Some(cycle_id), None, 1)
        .await?;
    let cycle = cycles.into_iter().next();
    cycle.ok_or(QueryError::NotFound("poll cycle"))
}
