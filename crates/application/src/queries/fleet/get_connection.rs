//! The query that loads one provider connection.

use domain::fleet::Connection;
use domain::ids::{ProviderId, WorkspaceId};

use crate::Core;
use crate::queries::QueryError;

/// Loads a provider connection.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_connection(
    core: &Core,
    workspace_id: &WorkspaceId,
    id: &ProviderId,
) -> Result<Connection, QueryError> {
    core.store
        .connection(workspace_id, id)
        .await?
        .ok_or(QueryError::NotFound("provider connection"))
}
