//! The query that loads one device.

use domain::fleet::Device;
use domain::ids::{DeviceId, WorkspaceId};

use crate::Core;
use crate::queries::QueryError;

/// Loads a device, active or not.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_device(
    core: &Core,
    workspace_id: &WorkspaceId,
    id: &DeviceId,
) -> Result<Device, QueryError> {
    core.store
        .device(workspace_id, id)
        .await?
        .ok_or(QueryError::NotFound("device"))
}
