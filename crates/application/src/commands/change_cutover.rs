//! Changing who owns what, and taking it back.

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

/// What is asked of the flags.
#[derive(Clone, Copy, Debug)]
pub enum CutoverCommand {
    /// All four.
    Replace(Cutover),
    /// Some.
    Patch(CutoverPatch),
    /// Reads and polls back to the legacy service.
    RollBack,
}

/// Changes the flags and records who, when, from, to and why. When it answers, nothing that was
/// decided under the old flags can land any more.
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

/// One call, without preconditions: reads and polls go back to the legacy service.
///
/// # Errors
/// When there is no such workspace, or the store fails.
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
