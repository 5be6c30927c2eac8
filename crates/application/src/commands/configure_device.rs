//! The commands that configure and deactivate a device.

use domain::events::EventType;
use domain::fleet::{Device, DeviceRegistrySource, DeviceSpec};
use domain::ids::{ActivationId, DeviceId, WorkspaceId};
use persistence::{Fence, UnitOfWork};
use serde_json::json;

use super::{ChangeError, Conflict, Precondition};
use crate::audit::Change;
use crate::{Author, Core};

/// Writes a device as requested. Returns the device, and `true` if the device is new. A device that was changed or was
/// inactive starts a new activation.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn put_device(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    id: &DeviceId,
    spec: DeviceSpec,
    precondition: &Precondition,
) -> Result<(Device, bool), ChangeError<Device>> {
    let now = core.clock.now();
    let mut uow = begin(core, workspace_id).await?;
    let existing = uow.device(id).await?;
    if uow.connection(&spec.provider_id).await?.is_none() {
        let provider_id = spec.provider_id.to_string();
        return Err(ChangeError::Conflict(Conflict::UnknownConnection(
            provider_id,
        )));
    }
    let holder = uow
        .holder_of_external_id(&spec.provider_id, &spec.external_id)
        .await?;
    if let Some(holder) = holder.filter(|holder| holder != id) {
        return Err(ChangeError::Conflict(Conflict::ExternalIdTaken(
            holder.to_string(),
        )));
    }
    if !precondition.allows(existing.as_ref().map(|device| device.version)) {
        return Err(existing.map_or(ChangeError::Unknown("device"), |device| {
            ChangeError::Outdated(Box::new(device))
        }));
    }
    if let Some(device) = existing
        .as_ref()
        .filter(|device| device.active && device.spec == spec)
    {
        return Ok((device.clone(), false));
    }
    let device = Device {
        id: id.clone(),
        spec,
        active: true,
        configured_at: existing.as_ref().map_or(now, |device| device.configured_at),
        activated_at: now,
        activation_id: ActivationId(core.ids.next(now)),
        version: existing.as_ref().map_or(0, |device| device.version) + 1,
    };
    uow.put_device(&device).await?;
    let mut payload = describe(&device);
    payload["activated_at"] = json!(device.activated_at);
    payload["activation_id"] = json!(device.activation_id);
    payload["from"] = existing.as_ref().map(describe).into();
    let change = Change::new(EventType::DeviceConfigured, payload).of_device(id);
    core.record_change(&mut uow, author, change).await?;
    uow.commit().await?;
    Ok((device, existing.is_none()))
}

/// Deactivates a device: it has no health and no snapshot, and its updates are refused; its history stays. An inactive
/// device is left as it is.
///
/// # Errors
/// [`ChangeError`], with nothing changed.
pub async fn deactivate_device(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    id: &DeviceId,
    precondition: &Precondition,
) -> Result<(), ChangeError<Device>> {
    let mut uow = begin(core, workspace_id).await?;
    let device = uow
        .device(id)
        .await?
        .ok_or(ChangeError::Unknown("device"))?;
    if !precondition.allows(Some(device.version)) {
        return Err(ChangeError::Outdated(Box::new(device)));
    }
    if !device.active {
        return Ok(());
    }
    let device = Device {
        active: false,
        version: device.version + 1,
        ..device
    };
    uow.put_device(&device).await?;
    let change = Change::new(EventType::DeviceDeactivated, describe(&device)).of_device(id);
    core.record_change(&mut uow, author, change).await?;
    Ok(uow.commit().await?)
}

/// Begins a unit of work, if core owns the workspace's device registry.
async fn begin(core: &Core, workspace_id: &WorkspaceId) -> Result<UnitOfWork, ChangeError<Device>> {
    let mut uow = core.store.begin(workspace_id, Fence::Exclusive).await?;
    let record = uow
        .workspace()
        .await?
        .ok_or(ChangeError::UnknownWorkspace)?;
    if record.workspace.cutover.device_registry_source == DeviceRegistrySource::Core {
        Ok(uow)
    } else {
        Err(ChangeError::Conflict(Conflict::RegistryOwnedByLegacy))
    }
}

/// Describes a device for its events.
fn describe(device: &Device) -> serde_json::Value {
    json!({
        "vehicle_id": device.spec.vehicle_id,
        "provider_id": device.spec.provider_id,
        "external_id": device.spec.external_id,
        "active": device.active,
        "version": device.version,
    })
}
