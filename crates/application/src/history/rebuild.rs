//! The comparison of snapshots with the snapshots that their history gives, and the repair of those that differ.

use chrono::{DateTime, Utc};
use domain::events::EventType;
use domain::history::{Difference, differences};
use domain::ids::{DeviceId, WorkspaceId};
use persistence::history::{HistoryStart, RebuiltDevice};
use persistence::{Fence, StorageError};
use serde::Serialize;
use serde_json::json;

use super::baselines::append_baselines;
use super::history_start;
use crate::audit::Change;
use crate::{Author, Core};

/// The largest number of differing devices that are listed with their differences. All of them are counted.
const MAX_SHOWN: usize = 100;
/// The number of devices that one unit of work repairs, since the workspace's batches wait for its fence.
const REPAIR_BATCH: usize = 1_000;

/// The result of comparing a workspace's snapshots with its history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The workspace that was compared.
    pub workspace_id: WorkspaceId,
    /// The number of active devices that were compared.
    pub devices: usize,
    /// The number of devices whose snapshot differs from the snapshot that their history gives.
    pub differing: usize,
    /// The number of devices whose history is incomplete, so that their snapshot cannot be judged.
    pub without_history: usize,
    /// The number of devices whose snapshot was repaired.
    pub repaired: usize,
    /// Some of the differing devices, with their differences.
    pub shown: Vec<DifferingDevice>,
    /// The differing devices; the report leaves them out.
    #[serde(skip)]
    to_repair: Vec<DeviceId>,
}

/// A device whose snapshot differs from the snapshot that its history gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DifferingDevice {
    /// The id of the device.
    pub device_id: DeviceId,
    /// The differences, member by member.
    pub differences: Vec<Difference>,
}

impl Comparison {
    fn new(workspace_id: &WorkspaceId) -> Self {
        Self {
            workspace_id: workspace_id.clone(),
            devices: 0,
            differing: 0,
            without_history: 0,
            repaired: 0,
            shown: Vec::new(),
            to_repair: Vec::new(),
        }
    }

    /// Compares one device, and counts the result.
    fn count(&mut self, device: &RebuiltDevice) {
        self.devices += 1;
        if !has_whole_history(device) {
            self.without_history += 1;
            return;
        }
        let differences = differences(&device.stored, &device.folded.snapshot);
        if differences.is_empty() {
            return;
        }
        self.differing += 1;
        self.to_repair.push(device.device_id.clone());
        if self.shown.len() < MAX_SHOWN {
            self.shown.push(DifferingDevice {
                device_id: device.device_id.clone(),
                differences,
            });
        }
    }

    /// Returns the number of devices whose snapshot still differs or cannot be judged.
    pub fn not_proven(&self) -> usize {
        self.differing - self.repaired + self.without_history
    }
}

/// Returns whether the device's history is complete. A snapshot may hold more than an incomplete history gives.
fn has_whole_history(device: &RebuiltDevice) -> bool {
    device.is_whole && !device.folded.has_gap
}

/// Compares the snapshot of every active device with its newest baseline at `since` or before and the updates after
/// that baseline. The comparison only reads, and batches of updates go on meanwhile.
///
/// # Errors
/// [`StorageError`] if the store fails.
pub async fn compare_snapshots(
    core: &Core,
    workspace_id: &WorkspaceId,
    since: DateTime<Utc>,
) -> Result<Comparison, StorageError> {
    let start = history_start(core, workspace_id, since).await?;
    let mut comparison = Comparison::new(workspace_id);
    core.store
        .rebuild(workspace_id, start, |device| comparison.count(&device))
        .await?;
    Ok(comparison)
}

/// Compares as [`compare_snapshots`] does, then replaces the snapshots that differ and records the author. While the
/// differing snapshots are rebuilt under the exclusive fence, the workspace's batches of updates wait, and what
/// instances have cached of the workspace becomes invalid. Each repair ends with a new baseline, since the last one may
/// hold the damaged values.
///
/// # Errors
/// [`StorageError`] if the store fails. Devices that were repaired before the failure stay repaired.
pub async fn repair_snapshots(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    since: DateTime<Utc>,
) -> Result<Comparison, StorageError> {
    let mut comparison = compare_snapshots(core, workspace_id, since).await?;
    let start = history_start(core, workspace_id, since).await?;
    for devices in comparison.to_repair.chunks(REPAIR_BATCH) {
        comparison.repaired += repair(core, author, workspace_id, start, devices).await?;
    }
    Ok(comparison)
}

/// Repairs some devices in one unit of work, and returns their number.
async fn repair(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    start: HistoryStart,
    devices: &[DeviceId],
) -> Result<usize, StorageError> {
    let mut uow = core.store.begin(workspace_id, Fence::Exclusive).await?;
    let mut differing = Vec::new();
    uow.rebuild(start, devices, |device| {
        if has_whole_history(&device) && device.stored != device.folded.snapshot {
            differing.push(device);
        }
    })
    .await?;
    if differing.is_empty() {
        // Another repair was faster: these devices do not differ any more.
        return Ok(devices.len());
    }
    let now = core.clock.now();
    uow.replace_snapshots(&differing).await?;
    let ids: Vec<&DeviceId> = differing.iter().map(|device| &device.device_id).collect();
    let change = Change::new(EventType::SnapshotsRepaired, json!({"devices": ids}));
    core.record_change(&mut uow, author, change).await?;
    uow.replace_baseline(now).await?;
    append_baselines(core, &mut uow, now).await?;
    uow.commit().await?;
    Ok(devices.len())
}
