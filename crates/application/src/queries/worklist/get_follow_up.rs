//! The query that loads what people have done about one device's silence.

use domain::follow_up::DeviceFollowUp;
use domain::ids::{DeviceId, WorkspaceId};

use crate::Core;
use crate::queries::QueryError;

/// Loads the silence that an active device is in, and the latest follow-up that was written about the device.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_follow_up(
    core: &Core,
    workspace_id: &WorkspaceId,
    device_id: &DeviceId,
) -> Result<DeviceFollowUp, QueryError> {
    core.store
        .follow_up(workspace_id, device_id)
        .await?
        .ok_or(QueryError::NotFound("active device"))
}
