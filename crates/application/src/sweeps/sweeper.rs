//! An instance's worker for sweeps: takes the one that is asked for, and runs it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::{ClaimToken, SweepId};
use persistence::StorageError;
use persistence::schedules::ClaimedSweep;
use scheduling::Scheduler;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::run_sweep::run_sweep;
use super::{LegacyRegistry, NoLegacyRegistry};
use crate::{Author, Core};

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long a claim lasts without renewal: how long a killed instance delays its sweep.
const CLAIM: Duration = Duration::from_secs(30);
/// How long an instance that is told of no scheduler leaves a sweep to one that is.
const DEFERENCE: TimeDelta = TimeDelta::seconds(10);

/// What a sweep compares SQL with.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Where schedules are kept, if this deployment has any.
    pub scheduler: Option<Arc<dyn Scheduler>>,
    /// Where devices are mirrored from.
    pub legacy_registry: Arc<dyn LegacyRegistry>,
}

impl Outside {
    /// A scheduler, or none, and no legacy registry.
    pub fn new(scheduler: Option<Arc<dyn Scheduler>>) -> Self {
        Self {
            scheduler,
            legacy_registry: Arc::new(NoLegacyRegistry),
        }
    }
}

/// Asks for a sweep: a new one, or the one that is under way.
///
/// # Errors
/// When the store fails.
pub async fn request_sweep(core: &Core, author: Author<'_>) -> Result<SweepId, StorageError> {
    let now = core.clock.now();
    let sweep_id = SweepId(core.ids.next(now));
    core.store.request_sweep(sweep_id, author.id, now).await
}

/// Runs sweeps, one at a time over all instances.
#[derive(Clone, Debug)]
pub struct Sweeper {
    core: Core,
    outside: Outside,
    wake: Arc<Notify>,
}

impl Sweeper {
    /// A sweeper that has not begun.
    pub fn new(core: Core, outside: Outside) -> Self {
        Self {
            core,
            outside,
            wake: Arc::new(Notify::new()),
        }
    }

    /// Hints that a sweep may have been asked for.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Works until `shutdown`; a sweep under way is given back then.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.take_one(&shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a sweep could not be taken or ended"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = self.core.clock.sleep(INTERVAL) => {}
            }
        }
    }

    /// Takes the sweep that is asked for, if there is one and nobody is at it, and runs it to its end.
    ///
    /// # Errors
    /// When the store fails; the sweep is then taken over once its claim is over.
    pub async fn take_one(&self, shutdown: &CancellationToken) -> Result<(), StorageError> {
        let now = self.core.clock.now();
        self.core.store.fail_lost_sweep(now).await?;
        let deference = match &self.outside.scheduler {
            Some(_) => TimeDelta::zero(),
            None => DEFERENCE,
        };
        let claim = ClaimToken(self.core.ids.next(now));
        let claimed = self
            .core
            .store
            .claim_sweep(claim, CLAIM, now - deference, now)
            .await?;
        let Some(sweep) = claimed else {
            return Ok(());
        };
        let report = tokio::select! {
            report = run_sweep(&self.core, &self.outside) => report,
            lost = self.keep_claim(sweep) => return lost,
            () = shutdown.cancelled() => return self.core.store.release_sweep(sweep).await,
        };
        let now = self.core.clock.now();
        if self.core.store.end_sweep(sweep, &report, now).await? {
            tracing::info!(
                sweep_id = %sweep.sweep_id,
                status = report.status().as_str(),
                missing = report.schedules.missing,
                changed = report.schedules.changed,
                orphaned = report.schedules.orphaned,
                not_repaired = report.schedules.not_repaired,
                partitions_dropped = report.partitions.dropped.len(),
                poll_cycles_removed = report.old_records.poll_cycles,
                "reconciliation sweep ended"
            );
        }
        Ok(())
    }

    /// Renews the claim three times in its length; returns when it is lost or cannot be renewed.
    async fn keep_claim(&self, sweep: ClaimedSweep) -> Result<(), StorageError> {
        loop {
            tokio::time::sleep(CLAIM / 3).await;
            match self.core.store.renew_sweep(sweep, CLAIM).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // The next round may reach the database again before the claim is over.
                Err(error) if error.is_unavailable() => {}
                Err(error) => return Err(error),
            }
        }
    }
}
