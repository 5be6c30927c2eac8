//! A baseline a day of every workspace, by whichever instance comes first.

use std::error::Error;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::WorkspaceId;
use persistence::{Fence, StorageError, UnitOfWork};

use crate::Core;

/// Workspaces that get their baseline in one look: a thousand of them are done within a quarter of an
/// hour, and what an instance looks after beside is not kept waiting.
const AT_ONCE: i64 = 20;

/// What an instance remembers of its looks: nothing that another, or its successor, would miss.
#[derive(Clone, Copy, Debug, Default)]
pub struct BaselineWatch {
    /// The last day on which no workspace was without. One that is registered later on that day has its
    /// whole history in events.
    done: Option<NaiveDate>,
}

impl BaselineWatch {
    /// Records baselines of workspaces that have none today. Safe on any number of instances at once.
    ///
    /// A workspace of which that fails costs the others nothing; the next look tries again.
    ///
    /// # Errors
    /// When the store fails for all of them.
    pub async fn look(&mut self, core: &Core) -> Result<(), StorageError> {
        let today = core.clock.now().date_naive();
        if self.done == Some(today) {
            return Ok(());
        }
        let without = core
            .store
            .workspaces_without_baseline(today, AT_ONCE)
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
                tracing::error!(workspace_id = %id, error, "no baseline could be recorded");
            }
        }
        Ok(())
    }
}

/// Writes down what is held of each active device. The fence is shared: batches go on, and no device
/// comes or goes.
async fn record_baseline(core: &Core, id: &WorkspaceId) -> Result<(), StorageError> {
    let mut uow = core.store.begin(id, Fence::Shared).await?;
    let now = core.clock.now();
    if !uow.claim_baseline(now).await? {
        return Ok(());
    }
    let devices = append_baselines(core, &mut uow, now).await?;
    uow.commit().await?;
    tracing::info!(workspace_id = %id, devices, "baseline recorded");
    Ok(())
}

/// Appends the events of a baseline; answers how many. The caller's fence keeps devices from coming and
/// going.
pub(super) async fn append_baselines(
    core: &Core,
    uow: &mut UnitOfWork,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let count = uow.count_active_devices().await?;
    let ids: Vec<_> = (0..count).map(|_| core.ids.next(now)).collect();
    uow.append_baselines(&ids, now).await
}
