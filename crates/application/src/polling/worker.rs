//! The worker of an instance: claims due cycles and runs them, as many at once as it has permits.
//!
//! A worker takes no input. A wake-up is a hint that something may be due; the rows of the database say what is.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{LeaseToken, WorkspaceId};
use domain::polling::CycleStatus;
use persistence::StorageError;
use persistence::polling::ClaimedCycle;
use providers::Providers;
use telemetry::{metrics, traces};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::{RunError, report_closed_cycles, run_cycle};
use crate::Core;

/// How an instance works off cycles.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSettings {
    /// Cycles that run at once in this instance. A quarter is kept for workspaces whose latest cycle
    /// completed: however many hang, those go on.
    pub concurrency: usize,
    /// How long a lease lasts without renewal: how long a killed instance delays its cycles.
    pub lease: Duration,
    /// How often due cycles are looked for.
    pub interval: Duration,
    /// How long a shutdown waits for running cycles before it gives them back.
    pub drain: Duration,
    /// Whether the ages of a workspace's devices are measured as its cycle begins, for metrics.
    pub measure_ages: bool,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            concurrency: 128,
            lease: Duration::from_secs(30),
            interval: Duration::from_millis(500),
            drain: Duration::from_secs(20),
            measure_ages: false,
        }
    }
}

/// The permits that a running cycle holds of its instance.
#[derive(Debug)]
struct Permits {
    _any: OwnedSemaphorePermit,
    /// Held as well by the cycle of a workspace whose latest cycle did not complete.
    _troubled: Option<OwnedSemaphorePermit>,
}

/// An instance's worker.
#[derive(Clone, Debug)]
pub struct Worker {
    core: Core,
    providers: Providers,
    settings: WorkerSettings,
    permits: Arc<Semaphore>,
    troubled_permits: Arc<Semaphore>,
    wake: Arc<Notify>,
}

impl Worker {
    /// Builds a worker; nothing runs yet.
    pub fn new(core: Core, providers: Providers, settings: WorkerSettings) -> Self {
        let kept = settings.concurrency.div_ceil(4);
        let troubled = settings.concurrency.saturating_sub(kept).max(1);
        Self {
            core,
            providers,
            settings,
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            troubled_permits: Arc::new(Semaphore::new(troubled)),
            wake: Arc::new(Notify::new()),
        }
    }

    /// Hints that a cycle may be due.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Claims and runs cycles until `shutdown`, then drains: running cycles finish, or are given back for another
    /// instance to take at once.
    pub async fn run(self, shutdown: CancellationToken) {
        let running = TaskTracker::new();
        let give_back = CancellationToken::new();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.claim_due(&running, &give_back).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "due cycles could not be claimed"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.wake.notified() => {}
                () = self.core.clock.sleep(self.settings.interval) => {}
            }
        }
        running.close();
        if tokio::time::timeout(self.settings.drain, running.wait())
            .await
            .is_err()
        {
            give_back.cancel();
            running.wait().await;
        }
    }

    /// Retires the cycles that will never run and claims those that are due, with a permit before each claim.
    async fn claim_due(
        &self,
        running: &TaskTracker,
        give_back: &CancellationToken,
    ) -> Result<(), StorageError> {
        let free = self.permits.available_permits();
        if free == 0 {
            return Ok(());
        }
        let troubled = free.min(self.troubled_permits.available_permits());
        // More than this instance can take: other instances claim the same cycles.
        let limit = |free: usize| i64::try_from(free * 2).unwrap_or(i64::MAX);
        let candidates = self
            .core
            .store
            .claim_candidates(self.core.clock.now(), limit(free), limit(troubled))
            .await?;
        let mut tidied: HashSet<WorkspaceId> = HashSet::new();
        for candidate in candidates {
            let now = self.core.clock.now();
            if tidied.insert(candidate.workspace_id.clone()) {
                let retired = self
                    .core
                    .store
                    .retire_cycles(&candidate.workspace_id, now)
                    .await?;
                report_closed_cycles(&candidate.workspace_id, &retired);
            }
            let Some(permits) = self.take_permits(candidate.troubled) else {
                continue;
            };
            let lease = LeaseToken(self.core.ids.next(now));
            if let Some(cycle) = self
                .core
                .store
                .claim_cycle(&candidate, lease, self.settings.lease, now)
                .await?
            {
                let span = cycle_span(&cycle);
                let run = self.clone().run_claimed(cycle, permits, give_back.clone());
                running.spawn(run.instrument(span));
            }
        }
        Ok(())
    }

    fn take_permits(&self, troubled: bool) -> Option<Permits> {
        let take = |from: &Arc<Semaphore>| Arc::clone(from).try_acquire_owned().ok();
        let troubled = if troubled {
            Some(take(&self.troubled_permits)?)
        } else {
            None
        };
        Some(Permits {
            _any: take(&self.permits)?,
            _troubled: troubled,
        })
    }

    /// Runs a claimed cycle and renews its lease meanwhile.
    async fn run_claimed(
        self,
        cycle: ClaimedCycle,
        permits: Permits,
        give_back: CancellationToken,
    ) {
        let ended = tokio::select! {
            ended = self.run_measured(&cycle) => ended.map(drop),
            lost = self.keep_lease(&cycle) => Err(lost),
            () = give_back.cancelled() => self.core.store.release_cycle(&cycle).await.map_err(RunError::from),
        };
        if let Err(error) = ended {
            let shown = &error as &dyn std::error::Error;
            match error {
                RunError::Broken(_) => {
                    tracing::error!(error = shown, "poll cycle left to another holder");
                }
                RunError::LeaseLost | RunError::Storage(_) => {
                    tracing::warn!(error = shown, "poll cycle left to another holder");
                }
            }
        }
        drop(permits);
        // A newer cycle of the workspace may have waited for this one.
        self.wake();
    }

    async fn run_measured(&self, cycle: &ClaimedCycle) -> Result<CycleStatus, RunError> {
        if let Some(late) = cycle.slot_started_after {
            metrics::cycle_started(late.to_std().unwrap_or_default());
            if self.settings.measure_ages {
                self.measure_ages(cycle).await;
            }
        }
        run_cycle(&self.core, &self.providers, cycle).await
    }

    /// Measures the ages of the workspace's devices before anything is polled: they become no older than now.
    async fn measure_ages(&self, cycle: &ClaimedCycle) {
        let now = self.core.clock.now();
        let ages = self
            .core
            .store
            .device_ages(&cycle.workspace_id, metrics::AGE_BOUNDS, now);
        match ages.await {
            Ok(groups) => {
                for group in groups {
                    metrics::device_ages(group.age, group.devices);
                }
            }
            // The cycle goes on without the metric.
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "ages could not be measured"
            ),
        }
    }

    /// Renews the lease three times in its length; returns when it is lost or cannot be renewed.
    async fn keep_lease(&self, cycle: &ClaimedCycle) -> RunError {
        loop {
            tokio::time::sleep(self.settings.lease / 3).await;
            match self
                .core
                .store
                .renew_lease(cycle, self.settings.lease)
                .await
            {
                Ok(true) => {}
                Ok(false) => return RunError::LeaseLost,
                // The next round may reach the database again before the lease is over.
                Err(error) if error.is_unavailable() => {}
                Err(error) => return error.into(),
            }
        }
    }
}

/// Returns the span whose fields every log line of a cycle carries. Its level is the highest, so that any filter
/// that shows a line shows the span as well.
fn cycle_span(cycle: &ClaimedCycle) -> Span {
    let span = tracing::error_span!(
        "poll_cycle",
        workspace_id = %cycle.workspace_id,
        cycle_id = %cycle.cycle_id,
        trace_id = cycle.trace_id,
    );
    if let Some(trace_id) = &cycle.trace_id {
        traces::enter(&span, trace_id, None);
    }
    span
}
