//! The query that loads one workspace.

use domain::fleet::WorkspaceRecord;
use domain::ids::WorkspaceId;

use crate::Core;
use crate::queries::QueryError;

/// Loads a workspace with the records of its latest changes.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_workspace(core: &Core, id: &WorkspaceId) -> Result<WorkspaceRecord, QueryError> {
    core.store
        .workspace(id)
        .await?
        .ok_or(QueryError::NotFound("workspace"))
}
