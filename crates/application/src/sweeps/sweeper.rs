//! The worker that runs requested sweeps, one at a time over all instances.

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

/// The pause between two looks for a requested sweep, without a wake-up.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long a claim lasts without renewal, and so how long a killed instance delays its sweep.
const CLAIM: Duration = Duration::from_secs(30);
/// How long an instance without a scheduler leaves a requested sweep to the instances that have one.
const DEFERENCE: TimeDelta = TimeDelta::seconds(10);

/// The external systems that a sweep compares with the database.
#[derive(Clone, Debug)]
pub struct ExternalSystems {
    /// The scheduler that holds the workspaces' schedules; `None` if none is configured.
    pub scheduler: Option<Arc<dyn Scheduler>>,
    /// The registry that devices are copied from.
    pub legacy_registry: Arc<dyn LegacyRegistry>,
}

impl ExternalSystems {
    /// Names the scheduler, if there is one. There is no legacy registry yet.
    pub fn new(scheduler: Option<Arc<dyn Scheduler>>) -> Self {
        Self {
            scheduler,
            legacy_registry: Arc::new(NoLegacyRegistry),
        }
    }
}

/// Requests a sweep, and returns its id: a new sweep's, or that of the sweep that is requested or running already.
///
/// # Errors
/// [`StorageError`] if the store fails.
pub async fn request_sweep(core: &Core, author: Author<'_>) -> Result<SweepId, StorageError> {
    let now = core.clock.now();
    let sweep_id = SweepId(core.ids.next(now));
    core.store.request_sweep(sweep_id, author.id, now).await
}

/// The worker that runs requested sweeps.
#[derive(Clone, Debug)]
pub struct Sweeper {
    core: Core,
    external: ExternalSystems,
    wake: Arc<Notify>,
}

impl Sweeper {
    /// Creates a sweeper; [`Sweeper::run`] starts it.
    pub fn new(core: Core, external: ExternalSystems) -> Self {
        Self {
            core,
            external,
            wake: Arc::new(Notify::new()),
        }
    }

    /// Wakes the sweeper, because a sweep may have been requested.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Runs sweeps until `shutdown`. A running sweep is then released, so that another instance runs it.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.take_one(&shutdown).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a reconciliation sweep could not be claimed or ended: it is retried"
                );
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                () = self.core.clock.sleep(INTERVAL) => {}
            }
        }
    }

    /// Runs the requested sweep to its end, if there is one and no other instance runs it.
    ///
    /// # Errors
    /// [`StorageError`] if the store fails. The sweep is then run again once its claim has expired.
    pub async fn take_one(&self, shutdown: &CancellationToken) -> Result<(), StorageError> {
        let now = self.core.clock.now();
        self.core.store.fail_lost_sweep(now).await?;
        let deference = match &self.external.scheduler {
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
            report = run_sweep(&self.core, &self.external) => report,
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

    /// Renews the claim on a sweep three times within the claim's length. Returns when the claim is lost or cannot be
    /// renewed.
    async fn keep_claim(&self, sweep: ClaimedSweep) -> Result<(), StorageError> {
        loop {
            tokio::time::sleep(CLAIM / 3).await;
            match self.core.store.renew_sweep(sweep, CLAIM).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // The next renewal may reach the database before the claim expires.
                Err(error) if error.is_unavailable() => {}
                Err(error) => return Err(error),
            }
        }
    }
}
