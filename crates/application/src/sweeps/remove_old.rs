//! Records whose time is over: cycles of every workspace, and the sweeps themselves.

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, SweepId, WorkspaceId, first_id_at};
use domain::sweeps::{StepOutcome, SweptRecords};
use persistence::StorageError;

use crate::Core;

/// Rows removed by one statement, lest it hold many locks for long.
const BATCH: i64 = 1_000;
/// Workspaces read at once.
const PAGE: i64 = 1_000;

/// Removes what is older than the deployment keeps it. A workspace of which that fails costs the others
/// nothing; the next sweep comes again.
pub(super) async fn remove_old(core: &Core) -> SweptRecords {
    let mut swept = SweptRecords {
        outcome: StepOutcome::Completed,
        ..SweptRecords::default()
    };
    let oldest = core.clock.now() - core.rules.cycle_retention;
    let removed = remove(core, oldest, &mut swept).await;
    if let Err(error) = removed {
        let shown = &error as &dyn std::error::Error;
        tracing::warn!(error = shown, "old records could not be removed");
        swept.error = Some(error.to_string());
    }
    if swept.error.is_some() {
        swept.outcome = StepOutcome::Failed;
    }
    swept
}

async fn remove(
    core: &Core,
    oldest: DateTime<Utc>,
    swept: &mut SweptRecords,
) -> Result<(), StorageError> {
    let first_kept = first_id_at(oldest);
    let mut after = None;
    loop {
        let records = core.store.workspaces(after.as_ref(), PAGE).await?;
        let Some(last) = records.last() else {
            break;
        };
        after = Some(last.workspace.id.clone());
        for record in records {
            let id = &record.workspace.id;
            match remove_cycles(core, id, oldest).await {
                Ok(removed) => swept.poll_cycles += removed,
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    let shown = &error as &dyn std::error::Error;
                    tracing::error!(workspace_id = %id, error = shown, "old cycles could not be removed");
                    swept.error = Some(error.to_string());
                }
            }
        }
    }
    let expired = core
        .store
        .remove_expired_provider_sessions(core.clock.now());
    expired.await?;
    loop {
        let sweeps = core.store.remove_sweeps_before(SweepId(first_kept), BATCH);
        let removed = sweeps.await?;
        swept.sweeps += removed;
        if is_last(removed) {
            return Ok(());
        }
    }
}

async fn remove_cycles(
    core: &Core,
    id: &WorkspaceId,
    oldest: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let first_kept = CycleId(first_id_at(oldest));
    let mut all = 0;
    loop {
        let removed = core
            .store
            .remove_cycles_before(id, first_kept, oldest, BATCH);
        let removed = removed.await?;
        all += removed;
        if is_last(removed) {
            return Ok(all);
        }
    }
}

fn is_last(removed: u64) -> bool {
    removed < BATCH.unsigned_abs()
}
