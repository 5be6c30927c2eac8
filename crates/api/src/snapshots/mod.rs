//! Canonical values: of devices, and of vehicles merged from them.

mod get_snapshots;
mod get_vehicle_snapshot;
mod view;

pub(crate) use get_snapshots::*;
pub(crate) use get_vehicle_snapshot::*;

use domain::fleet::ReadOwner;
use domain::ids::WorkspaceId;
use persistence::fleet::WorkspaceRecord;

use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;

/// The workspace, if its values are core's to give. While the legacy service owns its reads, values
/// come from there or not at all: never, silently, from core.
async fn whose_values_are_ours(
    state: &AppState,
    workspace_id: &WorkspaceId,
) -> Result<WorkspaceRecord, Problem> {
    let record = state
        .core
        .store
        .workspace(workspace_id)
        .await?
        .ok_or_else(|| Problem::not_found("workspace"))?;
    match record.workspace.cutover.read_owner {
        ReadOwner::Core => Ok(record),
        ReadOwner::Legacy => Err(Problem::of(ProblemKind::LEGACY_UNAVAILABLE)
            .detail("the legacy service owns this workspace's reads and is not connected")),
    }
}
