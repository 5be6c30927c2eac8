//! The query that lists a workspace's quarantined envelopes.

use domain::ids::{EnvelopeId, WorkspaceId};
use domain::quarantine::QuarantinedEnvelope;
use telemetry::metrics;

use crate::Core;
use crate::queries::{Page, PageRequest, QueryError, get_workspace};

/// Lists a workspace's envelopes that were not understood, in order of id.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn list_quarantined_envelopes(
    core: &Core,
    workspace_id: &WorkspaceId,
    page: &PageRequest<EnvelopeId>,
) -> Result<Page<QuarantinedEnvelope, EnvelopeId>, QueryError> {
    get_workspace(core, workspace_id).await?;
    let _measured = metrics::query("quarantined");
    let rows = core
        .store
        .quarantined_envelopes(workspace_id, page.after, page.rows())
        .await?;
    Ok(Page::cut(rows, page, |envelope| envelope.envelope_id))
}
