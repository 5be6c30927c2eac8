//! The query that lists a workspace's rejections.

use domain::acceptance::{KeptRejection, RejectReason, RejectionFilter, RejectionKey};
use domain::ids::WorkspaceId;
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_workspace};

/// A page of a workspace's rejections, with the counts of all refused updates.
#[derive(Clone, Debug)]
pub struct Rejections {
    /// The rejections that the filter admits.
    pub page: Page<KeptRejection, RejectionKey>,
    /// The number of refused updates by reason, all there ever were: whatever the filter, and also those whose
    /// rejections are no longer kept.
    pub counts: Vec<(RejectReason, i64)>,
}

/// Lists a workspace's kept rejections in the order of their keys.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_rejections(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &RejectionFilter,
    page: &PageRequest<RejectionKey>,
) -> Result<Rejections, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("rejections");
    let rows = core
        .store
        .rejections(workspace_id, filter, page.after.as_ref(), page.rows())
        .await?;
    Ok(Rejections {
        page: Page::cut(rows, page, |kept| kept.key.clone()),
        counts: core.store.rejection_counts(workspace_id).await?,
    })
}
