//! The worker that applies schedules: it finds workspaces whose wanted schedule is not confirmed, and tells the
//! scheduler.
//!
//! The worker takes no input. A wake-up is a hint that a schedule may have changed; the rows say which has.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::WorkspaceId;
use futures::stream::{self, StreamExt};
use persistence::StorageError;
use scheduling::Scheduler;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{ApplyError, apply_schedule};
use crate::Core;

/// The pause between two rounds without a wake-up.
const INTERVAL: Duration = Duration::from_secs(2);
/// The pause after the scheduler asked for fewer requests.
const THROTTLED_PAUSE: Duration = Duration::from_secs(5);
/// The number of concurrent calls to the scheduler; AWS allows some hundreds a second for an account.
const CONCURRENCY: usize = 4;
/// The number of workspaces that one query returns.
const BATCH: i64 = 100;

/// The worker that applies schedules, on each instance that has a scheduler configured.
#[derive(Clone, Debug)]
pub struct Applier {
    core: Core,
    scheduler: Arc<dyn Scheduler>,
    wake: Arc<Notify>,
}

impl Applier {
    /// Creates an applier; [`Applier::run`] starts it.
    pub fn new(core: Core, scheduler: Arc<dyn Scheduler>) -> Self {
        Self {
            core,
            scheduler,
            wake: Arc::new(Notify::new()),
        }
    }

    /// Wakes the applier, because a schedule may have to be applied.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Applies schedules until `shutdown`. A schedule that is interrupted is applied by another instance once its claim
    /// has expired.
    pub async fn run(self, shutdown: CancellationToken) {
        let work = async {
            loop {
                let pause = match self.round().await {
                    Ok(pause) => pause,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(
                            error,
                            "the schedules to apply could not be read from the database: the next round retries"
                        );
                        INTERVAL
                    }
                };
                tokio::select! {
                    // A wake-up does not shorten the pause that the scheduler asked for.
                    () = self.wake.notified(), if pause <= INTERVAL => {}
                    () = self.core.clock.sleep(pause) => {}
                }
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    }

    /// Applies schedules until none is left to apply or the scheduler asks for fewer requests. Returns how long to wait
    /// before the next round.
    ///
    /// # Errors
    /// [`StorageError`] if the store fails.
    pub async fn round(&self) -> Result<Duration, StorageError> {
        loop {
            let out_of_line = self
                .core
                .store
                .workspaces_with_unapplied_schedules(BATCH)
                .await?;
            if out_of_line.is_empty() {
                return Ok(INTERVAL);
            }
            let mut outcomes = stream::iter(out_of_line)
                .map(|id| self.apply(id))
                .buffer_unordered(CONCURRENCY);
            let mut applied = false;
            while let Some((id, outcome)) = outcomes.next().await {
                match outcome {
                    Ok(done) => applied |= done,
                    Err(error) => {
                        error.log(&id);
                        if error.is_throttling() {
                            return Ok(THROTTLED_PAUSE);
                        }
                    }
                }
            }
            // None of the batch could be applied, and the next query would return the same workspaces.
            if !applied {
                return Ok(INTERVAL);
            }
        }
    }

    async fn apply(&self, id: WorkspaceId) -> (WorkspaceId, Result<bool, ApplyError>) {
        let outcome = apply_schedule(&self.core, self.scheduler.as_ref(), &id).await;
        (id, outcome)
    }
}
