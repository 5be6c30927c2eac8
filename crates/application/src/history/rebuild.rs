//! Snapshots against what their history adds up to: a proof, and a repair.

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

/// Differing devices that are shown with what differs, at most; all are counted.
const SHOWN: usize = 100;
/// Devices put right in one unit of work: the fence keeps their workspace's batches waiting.
const AT_ONCE: usize = 1_000;

/// What was found in a workspace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Active devices that were looked at.
    pub devices: usize,
    /// Those whose snapshot is not what their history adds up to.
    pub differing: usize,
    /// Those whose history is not all there, so that nothing can be said of their snapshot.
    pub without_history: usize,
    /// Those that were put right.
    pub repaired: usize,
    /// Some of the differing ones, with what differs.
    pub shown: Vec<DifferingDevice>,
    #[serde(skip)]
    to_repair: Vec<DeviceId>,
}

/// A device whose snapshot is not what its history adds up to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DifferingDevice {
    /// The device.
    pub device_id: DeviceId,
    /// What differs.
    pub differences: Vec<Difference>,
}

impl Comparison {
    fn of(workspace_id: &WorkspaceId) -> Self {
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

    fn count(&mut self, device: &RebuiltDevice) {
        self.devices += 1;
        if !is_judged(device) {
            self.without_history += 1;
            return;
        }
        let differences = differences(&device.stored, &device.folded.snapshot);
        if differences.is_empty() {
            return;
        }
        self.differing += 1;
        self.to_repair.push(device.device_id.clone());
        if self.shown.len() < SHOWN {
            self.shown.push(DifferingDevice {
                device_id: device.device_id.clone(),
                differences,
            });
        }
    }

    /// Devices that are not as their history has them, or of which that cannot be told.
    pub fn not_proven(&self) -> usize {
        self.differing - self.repaired + self.without_history
    }
}

/// A snapshot may know more than a history that is not all there.
fn is_judged(device: &RebuiltDevice) -> bool {
    device.is_whole && !device.folded.has_gap
}

/// Compares every active device's snapshot with its newest baseline at `since` or before and the updates
/// after that. Reads only; batches go on meanwhile.
///
/// # Errors
/// When the store fails.
pub async fn compare_snapshots(
    core: &Core,
    workspace_id: &WorkspaceId,
    since: DateTime<Utc>,
) -> Result<Comparison, StorageError> {
    let start = history_start(core, workspace_id, since).await?;
    let mut comparison = Comparison::of(workspace_id);
    core.store
        .rebuild(workspace_id, start, |device| comparison.count(&device))
        .await?;
    Ok(comparison)
}

/// The same, and replaces the snapshots that differ, naming its author. The workspace's batches wait
/// while they are rebuilt once more, and what instances remember of it counts no more then. A new
/// baseline ends it: one that had taken the damage over is history.
///
/// # Errors
/// When the store fails; devices that were put right before stay so.
pub async fn repair_snapshots(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    since: DateTime<Utc>,
) -> Result<Comparison, StorageError> {
    let mut comparison = compare_snapshots(core, workspace_id, since).await?;
    let start = history_start(core, workspace_id, since).await?;
    for devices in comparison.to_repair.chunks(AT_ONCE) {
        comparison.repaired += repair(core, author, workspace_id, start, devices).await?;
    }
    Ok(comparison)
}

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
        if is_judged(&device) && device.stored != device.folded.snapshot {
            differing.push(device);
        }
    })
    .await?;
    if differing.is_empty() {
        // Another repair was quicker.
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
