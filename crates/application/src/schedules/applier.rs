//! An instance's worker for schedules: looks for those out of line, and applies them.
//!
//! It takes no input. A wake-up is a hint that something may have changed; the rows say what has.

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

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long it pauses when the scheduler asks for fewer requests.
const PAUSE: Duration = Duration::from_secs(5);
/// Calls to the scheduler under way at once; AWS takes some hundreds a second of an account.
const CONCURRENCY: usize = 4;
/// Workspaces of one round.
const ROUND: i64 = 100;

/// Brings schedules in line, on each instance that is told of a scheduler.
#[derive(Clone, Debug)]
pub struct Applier {
    core: Core,
    scheduler: Arc<dyn Scheduler>,
    wake: Arc<Notify>,
}

impl Applier {
    /// An applier that has not begun.
    pub fn new(core: Core, scheduler: Arc<dyn Scheduler>) -> Self {
        Self {
            core,
            scheduler,
            wake: Arc::new(Notify::new()),
        }
    }

    /// Hints that a schedule may be out of line.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Works until `shutdown`; what is under way then is begun again by others, once its claim is over.
    pub async fn run(self, shutdown: CancellationToken) {
        let work = async {
            loop {
                let pause = match self.round().await {
                    Ok(pause) => pause,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "schedules out of line could not be read");
                        INTERVAL
                    }
                };
                tokio::select! {
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

    /// Applies what is out of line, as long as there is any and the scheduler takes it; answers how long
    /// to wait before the next look.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn round(&self) -> Result<Duration, StorageError> {
        loop {
            let out_of_line = self
                .core
                .store
                .workspaces_with_unapplied_schedules(ROUND)
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
                            return Ok(PAUSE);
                        }
                    }
                }
            }
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
