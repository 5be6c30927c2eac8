//! The queries about snapshots: of devices, and of vehicles merged from their devices.

mod get_snapshot;
mod get_vehicle_snapshot;
mod list_snapshots;
mod signal_filter;
mod snapshot;

pub use get_snapshot::get_snapshot;
pub use get_vehicle_snapshot::{VehicleSignal, VehicleSnapshot, get_vehicle_snapshot};
pub use list_snapshots::list_snapshots;
pub use signal_filter::SignalFilter;
pub use snapshot::{AbsentSignal, DeviceSnapshot, SnapshotSignal};

use domain::fleet::WorkspaceRecord;
use domain::ids::WorkspaceId;

use super::{QueryError, get_workspace};
use crate::Core;

/// Loads a workspace if core owns its reads.
async fn workspace_with_own_reads(
    core: &Core,
    id: &WorkspaceId,
) -> Result<WorkspaceRecord, QueryError> {
    let record = get_workspace(core, id).await?;
    if record.workspace.is_authoritative() {
        Ok(record)
    } else {
        Err(QueryError::ReadsOwnedByLegacy)
    }
}
