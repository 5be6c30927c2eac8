//! The command that records what people do about a silent device.

use domain::events::EventType;
use domain::follow_up::{DeviceFollowUp, FollowUp, WrittenFollowUp};
use domain::ids::{DeviceId, WorkspaceId};
use persistence::Fence;
use serde_json::json;

use super::{ChangeError, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// Writes the follow-up of a device's present silence. A follow-up that changes nothing keeps its version.
///
/// The exclusive fence keeps updates out between the read of the silence and the commit. Without it, an update could
/// end the silence before its follow-up is written.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn follow_up_device(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    device_id: &DeviceId,
    follow_up: FollowUp,
    precondition: &Precondition,
) -> Result<DeviceFollowUp, ChangeError<DeviceFollowUp>> {
    let mut uow = core.store.begin(workspace_id, Fence::Exclusive).await?;
    let device = uow
        .follow_up(device_id)
        .await?
        .ok_or(ChangeError::Unknown("active device"))?;
    if !precondition.allows(Some(device.version())) {
        return Err(ChangeError::Outdated(Box::new(device)));
    }
    let before = device.current().map(|written| written.follow_up.clone());
    if before.clone().unwrap_or_default() == follow_up {
        return Ok(device);
    }
    let written = WrittenFollowUp {
        version: device.version() + 1,
        follow_up,
        silent_since: device.silent_since,
        updated_at: core.clock.now(),
        updated_by: author.id.to_owned(),
    };
    uow.insert_follow_up(device_id, &written).await?;
    let mut payload = json!(written.follow_up);
    payload["version"] = json!(written.version);
    payload["silent_since"] = json!(written.silent_since);
    payload["from"] = json!(before);
    let change = Change::new(EventType::DeviceFollowUpChanged, payload).of_device(device_id);
    core.record_change(&mut uow, author, change).await?;
    uow.commit().await?;
    Ok(DeviceFollowUp {
        latest: Some(written),
        ..device
    })
}
