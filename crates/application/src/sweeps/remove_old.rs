//! The sweep's removal of old records: poll cycles, expired provider sessions, and sweeps.

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, SweepId, WorkspaceId, first_id_at};
use domain::sweeps::{StepOutcome, SweptRecords};
use persistence::StorageError;

use crate::Core;

/// The number of rows that one statement removes, so that it does not hold many locks for long.
const BATCH: i64 = 1_000;
/// The number of workspaces that one query returns.
const PAGE: i64 = 1_000;

/// Removes records that are older than their retention. A workspace whose removal fails does not stop the others, and
/// the next sweep retries it.
pub(super) async fn remove_old(core: &Core) -> SweptRecords {
    let mut swept = SweptRecords {
        outcome: StepOutcome::Completed,
        ..SweptRecords::default()
    };
    let oldest = core.clock.now() - core.rules.cycle_retention;
    let removed = remove_from_all(core, oldest, &mut swept).await;
    if let Err(error) = removed {
        let shown = &error as &dyn std::error::Error;
        tracing::warn!(
            error = shown,
            "the sweep could not remove old records: the next sweep retries"
        );
        swept.error = Some(error.to_string());
    }
    if swept.error.is_some() {
        swept.outcome = StepOutcome::Failed;
    }
    swept
}

/// Removes old records of all workspaces, and adds their numbers to the report.
async fn remove_from_all(
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
                // Without a database the other workspaces would fail too.
                Err(error) if error.is_unavailable() => return Err(error),
                Err(error) => {
                    let shown = &error as &dyn std::error::Error;
                    tracing::error!(workspace_id = %id, error = shown, "the sweep could not remove the old poll cycles of a workspace: the next sweep retries");
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
        if is_last_batch(removed) {
            return Ok(());
        }
    }
}

/// Removes a workspace's poll cycles that are older than `oldest`, batch by batch, and returns their number.
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
        if is_last_batch(removed) {
            return Ok(all);
        }
    }
}

/// Returns whether a statement removed fewer rows than it could, so that none are left.
fn is_last_batch(removed: u64) -> bool {
    removed < BATCH.unsigned_abs()
}
