//! What an instance does by itself, beside answering and polling.

use std::time::Duration;

use persistence::StorageError;
use rand::Rng;
use tokio_util::sync::CancellationToken;

use crate::Core;
use crate::idempotency::remove_expired_keys;
use crate::polling::SlotWatch;

/// How often an instance looks after the store, give or take a fifth: instances that were started
/// together drift apart.
const TICK: Duration = Duration::from_secs(15);
const JITTER: f64 = 0.2;

/// Workspaces of which a tick notes first reports: a few seconds' work where a whole fleet reports at once.
const NOTED_AT_ONCE: i64 = 500;

/// Looks after the store until `shutdown`. Safe on any number of instances.
pub async fn maintain(core: Core, shutdown: CancellationToken) {
    let mut slots = SlotWatch::default();
    let ticks = async {
        loop {
            tick(&core, &mut slots).await;
            core.clock.sleep(pause()).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = ticks => {}
    }
}

/// A week of partitions ahead, cycles that will never run, slots that nothing triggered, first
/// reports, expired idempotency keys; what fails of it is tried again at the next tick.
async fn tick(core: &Core, slots: &mut SlotWatch) {
    let partitions = core.store.ensure_partitions(core.clock.now()).await;
    warn_of("partitions could not be ensured", partitions);
    let tidied = tidy_cycles(core).await;
    warn_of("cycles that will never run could not be ended", tidied);
    let looked = slots.look(core).await;
    warn_of("slots could not be looked over", looked);
    let noted = note_first_reports(core).await;
    warn_of("first reports could not be noted", noted);
    let removed = remove_expired_keys(core).await;
    warn_of("expired idempotency keys could not be removed", removed);
}

fn pause() -> Duration {
    TICK.mul_f64(rand::rng().random_range(1.0 - JITTER..1.0 + JITTER))
}

/// Ends what a worker ends before it claims, also while every permit is taken.
async fn tidy_cycles(core: &Core) -> Result<(), StorageError> {
    let now = core.clock.now();
    for id in core.store.workspaces_to_tidy(now).await? {
        core.store.retire_cycles(&id, now).await?;
    }
    Ok(())
}

/// Notes whose activation has reported. Nothing but the speed of worklists depends on it.
async fn note_first_reports(core: &Core) -> Result<(), StorageError> {
    let found = core.store.workspaces_with_first_reports(NOTED_AT_ONCE);
    for id in found.await? {
        core.store.note_first_reports(&id).await?;
    }
    Ok(())
}

fn warn_of<T>(what: &'static str, outcome: Result<T, StorageError>) {
    if let Err(error) = outcome {
        tracing::warn!(error = &error as &dyn std::error::Error, "{what}");
    }
}
