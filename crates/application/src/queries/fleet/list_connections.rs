//! The query that lists a workspace's provider connections.

use domain::fleet::Connection;
use domain::ids::{ProviderId, WorkspaceId};
use telemetry::metrics;

use super::get_workspace;
use crate::Core;
use crate::queries::{Page, PageRequest, QueryError};

/// Lists a workspace's provider connections in order of id.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_connections(
    core: &Core,
    workspace_id: &WorkspaceId,
    page: &PageRequest<ProviderId>,
) -> Result<Page<Connection, ProviderId>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("provider_connections");
    let rows = core
        .store
        .connections(workspace_id, page.after.as_ref(), page.rows())
        .await?;
    Ok(Page::cut(rows, page, |connection| connection.id.clone()))
}
