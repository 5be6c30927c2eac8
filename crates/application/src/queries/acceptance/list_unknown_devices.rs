//! The query that lists devices that updates name and nobody has configured.

use domain::acceptance::{KeptRejection, RejectReason, RejectionFilter, RejectionKey};
use domain::ids::{ProviderId, WorkspaceId};
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_workspace};

/// Lists the devices of refused updates that nobody has configured, in order of connection and name: all of
/// them, or those of one connection.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_unknown_devices(
    core: &Core,
    workspace_id: &WorkspaceId,
    provider_id: Option<ProviderId>,
    page: &PageRequest<RejectionKey>,
) -> Result<Page<KeptRejection, RejectionKey>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("unknown_devices");
    let filter = RejectionFilter {
        reason: Some(RejectReason::UnknownDevice),
        provider_id,
        device_id: None,
    };
    let rows = core
        .store
        .rejections(workspace_id, &filter, page.after.as_ref(), page.rows())
        .await?;
    Ok(Page::cut(rows, page, |kept| kept.key.clone()))
}
