//! The command that registers, renames, activates or deactivates a workspace.

use domain::events::EventType;
use domain::fleet::{Cutover, WorkspaceName, WorkspaceRecord};
use domain::ids::WorkspaceId;
use domain::polling::SkipReason;
use persistence::Fence;
use serde_json::json;

use super::{ChangeError, Conflict, Precondition};
use crate::audit::Change;
use crate::polling::report_closed_cycles;
use crate::{Author, Core};

/// Writes a workspace as requested. Returns the workspace, and `true` if the workspace is new. A request for a new
/// workspace may set the cutover flags; a request for an existing workspace may only repeat the flags that it has.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn put_workspace(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    name: &WorkspaceName,
    active: bool,
    cutover: Option<Cutover>,
    precondition: &Precondition,
) -> Result<(WorkspaceRecord, bool), ChangeError<WorkspaceRecord>> {
    let now = core.clock.now();
    let mut uow = core.store.begin(id, Fence::Exclusive).await?;
    let existing = uow.workspace().await?;
    let other_flags =
        |record: &WorkspaceRecord| cutover.is_some_and(|asked| asked != record.workspace.cutover);
    if existing.as_ref().is_some_and(other_flags) {
        return Err(ChangeError::Conflict(Conflict::CutoverOnExisting));
    }
    if !precondition.allows(existing.as_ref().map(|record| record.workspace.version)) {
        return Err(existing.map_or(ChangeError::UnknownWorkspace, |record| {
            ChangeError::Outdated(Box::new(record))
        }));
    }
    let created = existing.is_none();
    let mut skipped = Vec::new();
    match &existing {
        None => {
            uow.insert_workspace(name, active, cutover.unwrap_or_default(), author.id, now)
                .await?;
        }
        Some(record) => {
            let held = &record.workspace;
            if held.name == *name && held.active == active {
                return Ok((record.clone(), false));
            }
            uow.update_workspace(name, active, now).await?;
            if !active {
                skipped = uow
                    .skip_open_cycles(SkipReason::Inactive.as_str(), now)
                    .await?;
            }
        }
    }
    let before = existing.as_ref().map(|record| &record.workspace);
    let mut payload = json!({
        "name": name,
        "active": active,
        "from": before.map(|held| json!({"name": held.name, "active": held.active})),
    });
    if created {
        payload["cutover"] = json!(cutover.unwrap_or_default());
    }
    let change = Change::new(EventType::WorkspaceConfigured, payload);
    core.record_change(&mut uow, author, change).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    uow.commit().await?;
    report_closed_cycles(id, &skipped);
    Ok((record, created))
}
