//! The maintenance of the store, which each instance does beside answering requests and polling.

use std::time::Duration;

use persistence::StorageError;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::Core;
use crate::history::BaselineWatch;
use crate::idempotency::remove_expired_keys;
use crate::polling::SlotWatch;

/// The mean pause between two rounds of maintenance.
const TICK: Duration = Duration::from_secs(15);
/// The largest random part of a pause, so that instances that were started together drift apart.
const JITTER: f64 = 0.2;

/// The number of workspaces whose first reports one round notes: a few seconds of work when a whole fleet reports for
/// the first time.
const FIRST_REPORTS_PER_TICK: i64 = 500;

/// Maintains the store until `shutdown`. Any number of instances can do so at once.
pub async fn maintain(core: Core, shutdown: CancellationToken) {
    let (mut slots, mut baselines) = (SlotWatch::default(), BaselineWatch::default());
    let ticks = async {
        loop {
            tick(&core, &mut slots, &mut baselines).await;
            core.clock.sleep(choose_pause()).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = ticks => {}
    }
}

/// Runs one round of maintenance: creates partitions for the week ahead, ends cycles that will never run, checks for
/// slots that were not triggered, notes first reports, records the day's baselines, and removes expired idempotency
/// keys. A step that fails does not stop the next step, and is retried in the next round.
async fn tick(core: &Core, slots: &mut SlotWatch, baselines: &mut BaselineWatch) {
    let partitions = core.store.ensure_partitions(core.clock.now()).await;
    warn_on_error(
        "event partitions for the coming days could not be created",
        partitions,
    );
    let tidied = tidy_cycles(core).await;
    warn_on_error("poll cycles that will never run could not be ended", tidied);
    let looked = slots.look(core).await;
    warn_on_error(
        "slots that were not triggered could not be looked for",
        looked,
    );
    let noted = note_first_reports(core).await;
    warn_on_error("first reports of devices could not be noted", noted);
    let recorded = baselines.look(core).await;
    warn_on_error("daily baselines could not be recorded", recorded);
    let removed = remove_expired_keys(core).await;
    warn_on_error("expired idempotency keys could not be removed", removed);
}

/// Chooses the pause before the next round: a fifth shorter or longer than [`TICK`] at most.
fn choose_pause() -> Duration {
    TICK.mul_f64(rand::rng().random_range(1.0 - JITTER..1.0 + JITTER))
}

/// Ends the cycles that will never run. A polling worker does the same before it claims a cycle, but it claims none
/// while all of its permits are taken.
async fn tidy_cycles(core: &Core) -> Result<(), StorageError> {
    let now = core.clock.now();
    for id in core.store.workspaces_to_tidy(now).await? {
        core.store.retire_cycles(&id, now).await?;
    }
    Ok(())
}

/// Notes which devices have reported since their activation. Only the speed of worklists depends on these notes.
async fn note_first_reports(core: &Core) -> Result<(), StorageError> {
    let found = core
        .store
        .workspaces_with_first_reports(FIRST_REPORTS_PER_TICK);
    for id in found.await? {
        core.store.note_first_reports(&id).await?;
    }
    Ok(())
}

/// Logs a step that failed; `what` says which.
fn warn_on_error<T>(what: &'static str, outcome: Result<T, StorageError>) {
    if let Err(error) = outcome {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "{what}: the next round of maintenance retries"
        );
    }
}
