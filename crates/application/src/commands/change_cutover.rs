//! The commands that change a workspace's cutover flags, and that roll them back.

use domain::events::EventType;
use domain::fleet::{Cutover, CutoverPatch, WorkspaceRecord};
use domain::ids::WorkspaceId;
use domain::polling::SkipReason;
use persistence::Fence;
use serde_json::json;

use super::{ChangeError, Precondition};
use crate::audit::Change;
use crate::polling::report_closed_cycles;
use crate::{Author, Core};

/// The requested change of the cutover flags.
#[derive(Clone, Copy, Debug)]
pub enum CutoverCommand {
    /// All four flags are replaced.
    Replace(Cutover),
    /// Some of the flags are replaced.
    Patch(CutoverPatch),
    /// Reads and polls go back to the legacy service.
    RollBack,
}

/// Changes the cutover flags, and records the author, the time, the flags before and after, and the reason. Once the
/// command returns, nothing that was decided under the old flags can be written any more.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn change_cutover(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    command: CutoverCommand,
    reason: Option<&str>,
    precondition: &Precondition,
) -> Result<WorkspaceRecord, ChangeError<WorkspaceRecord>> {
    let now = core.clock.now();
    let mut uow = core.store.begin(id, Fence::Exclusive).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    if !precondition.allows(Some(record.cutover.version)) {
        return Err(ChangeError::Outdated(Box::new(record)));
    }
    let from = record.workspace.cutover;
    let to = match command {
        CutoverCommand::Replace(flags) => flags,
        CutoverCommand::Patch(patch) => from.with(patch),
        CutoverCommand::RollBack => from.rolled_back(),
    };
    if from == to {
        return Ok(record);
    }
    uow.update_cutover(record.cutover.version + 1, from, to, author.id, reason, now)
        .await?;
    let skipped = if to.poll_owner.core_polls() {
        Vec::new()
    } else {
        uow.skip_open_cycles(SkipReason::NotOwner.as_str(), now)
            .await?
    };
    let payload =
        json!({"version": record.cutover.version + 1, "from": from, "to": to, "reason": reason});
    let change = Change::new(EventType::WorkspaceCutoverChanged, payload);
    core.record_change(&mut uow, author, change).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    uow.commit().await?;
    report_closed_cycles(id, &skipped);
    Ok(record)
}

/// Gives reads and polls back to the legacy service, whatever the version of the flags.
///
/// # Errors
/// [`ChangeError::UnknownWorkspace`]; [`ChangeError::Storage`].
pub async fn roll_back(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    reason: Option<&str>,
) -> Result<WorkspaceRecord, ChangeError<WorkspaceRecord>> {
    change_cutover(
        core,
        author,
        id,
        CutoverCommand::RollBack,
        reason,
        &Precondition::None,
    )
    .await
}
