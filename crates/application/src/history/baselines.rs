//! Daily baselines: once a day one of the instances records what each active device of a workspace holds.

use std::error::Error;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::WorkspaceId;
use persistence::{Fence, StorageError, UnitOfWork};

use crate::Core;

/// The number of workspaces that get their baseline in one round: a thousand workspaces take a quarter of an hour, and
/// the other steps of maintenance do not wait for long.
const WORKSPACES_PER_ROUND: i64 = 20;

/// The daily baselines as one instance sees them. It caches the day that is done; losing the cache costs one query.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaselineWatch {
    /// The last day on which every workspace was found to have a baseline. A workspace that is registered later on that
    /// day needs none: its whole history is in events.
    done: Option<NaiveDate>,
}

impl BaselineWatch {
    /// Records the baselines of workspaces that have none today. Any number of instances can do so at once.
    ///
    /// A workspace whose baseline fails does not stop the others, and is retried in the next round.
    ///
    /// # Errors
    /// [`StorageError`] if the database is unavailable, or the workspaces cannot be listed.
    pub async fn look(&mut self, core: &Core) -> Result<(), StorageError> {
        let today = core.clock.now().date_naive();
        if self.done == Some(today) {
            return Ok(());
        }
        let without = core
            .store
            .workspaces_without_baseline(today, WORKSPACES_PER_ROUND)
            .await?;
        if without.is_empty() {
            self.done = Some(today);
        }
        for id in without {
            if let Err(error) = record_baseline(core, &id).await {
                if error.is_unavailable() {
                    return Err(error);
                }
                let error = &error as &dyn Error;
                tracing::error!(workspace_id = %id, error, "the daily baseline of a workspace could not be recorded: it is retried in the next round");
            }
        }
        Ok(())
    }
}

/// Records a workspace's baseline, unless another instance did so first. The shared fence lets batches of updates
/// go on, but no device is configured or deactivated meanwhile.
async fn record_baseline(core: &Core, id: &WorkspaceId) -> Result<(), StorageError> {
    let mut uow = core.store.begin(id, Fence::Shared).await?;
    let now = core.clock.now();
    if !uow.claim_baseline(now).await? {
        return Ok(());
    }
    let devices = append_baselines(core, &mut uow, now).await?;
    uow.commit().await?;
    tracing::info!(workspace_id = %id, devices, "daily baseline recorded");
    Ok(())
}

/// Appends the events of a baseline, one for each active device, and returns their number. The caller's fence keeps
/// devices from being configured or deactivated meanwhile, so that the number of ids is right.
pub(super) async fn append_baselines(
    core: &Core,
    uow: &mut UnitOfWork,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let count = uow.count_active_devices().await?;
    let ids: Vec<_> = (0..count).map(|_| core.ids.next(now)).collect();
    uow.append_baselines(&ids, now).await
}
