//! Changing a workspace's cadence and thresholds.

use domain::audit::ChangeType;
use domain::fleet::Policy;
use domain::ids::WorkspaceId;
use persistence::{Fence, WorkspaceRecord};
use serde_json::json;

use super::{ChangeError, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// Replaces the policy; one that changes nothing keeps its version.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn change_policy(
    core: &Core,
    author: Author<'_>,
    id: &WorkspaceId,
    policy: Policy,
    precondition: &Precondition,
) -> Result<WorkspaceRecord, ChangeError<WorkspaceRecord>> {
    let mut uow = core.store.begin(id, Fence::Exclusive).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    if !precondition.allows(Some(record.policy.version)) {
        return Err(ChangeError::Outdated(Box::new(record)));
    }
    if record.workspace.policy == policy {
        return Ok(record);
    }
    uow.update_policy(policy, core.clock.now()).await?;
    let payload = json!({
        "version": record.policy.version + 1,
        "from": members(record.workspace.policy),
        "to": members(policy),
    });
    let change = Change::new(ChangeType::WorkspacePolicyChanged, payload);
    core.record_change(&mut uow, author, change).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    uow.commit().await?;
    Ok(record)
}

fn members(policy: Policy) -> serde_json::Value {
    json!({
        "poll_interval_minutes": policy.poll_interval.minutes(),
        "stale_threshold_minutes": policy.stale_threshold_minutes,
        "no_data_grace_minutes": policy.no_data_grace_minutes,
    })
}
