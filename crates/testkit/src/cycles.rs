//! Methods that run poll cycles of a workspace.

use std::time::Duration;

use application::commands::{CycleRequest, TriggerAnswer, trigger_cycle};
use chrono::{DateTime, Utc};
use domain::acceptance::{RejectReason, RejectionKey, RejectionSummary, RejectionTally};
use domain::ids::{CycleId, LeaseToken};
use domain::polling::{ConnectionReport, CycleStatus, PollCycle};
use persistence::Fence;
use persistence::polling::{ClaimCandidate, ClaimedCycle};

use crate::{AUTHOR, Fleet, ReportBuilder};

/// A lease that is longer than any test runs.
const LONG: Duration = Duration::from_mins(10);

impl Fleet {
    /// Triggers the cycle of a slot, or without a slot a manual one.
    ///
    /// # Panics
    /// If the store fails, or if there is no such workspace.
    pub async fn trigger(&self, scheduled_time: Option<DateTime<Utc>>) -> TriggerAnswer {
        let request = CycleRequest {
            scheduled_time,
            ..CycleRequest::default()
        };
        trigger_cycle(&self.core, AUTHOR, &self.id, request)
            .await
            .expect("the store")
            .expect("the workspace")
    }

    /// Tries to claim a cycle, for ten minutes.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn claim(&self, cycle_id: CycleId) -> Option<ClaimedCycle> {
        self.claim_for(cycle_id, LONG).await
    }

    /// Tries to claim a cycle with a lease that expires at once, as if its holder had been killed.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn claim_and_die(&self, cycle_id: CycleId) -> Option<ClaimedCycle> {
        self.claim_for(cycle_id, Duration::ZERO).await
    }

    /// Tries to claim a cycle for the duration of a lease.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn claim_for(&self, cycle_id: CycleId, lease: Duration) -> Option<ClaimedCycle> {
        let now = self.core.clock.now();
        let candidate = ClaimCandidate {
            workspace_id: self.id.clone(),
            cycle_id,
            troubled: false,
        };
        let token = LeaseToken(self.core.ids.next(now));
        self.core
            .store
            .claim_cycle(&candidate, token, lease, now)
            .await
            .expect("the store")
    }

    /// Runs a whole manual cycle with these reports of connections, at the present time.
    ///
    /// # Panics
    /// If another cycle of the workspace waits or runs.
    pub async fn polled(&self, reports: impl IntoIterator<Item = ReportBuilder>) -> CycleId {
        let cycle_id = self.trigger(None).await.cycle_id;
        let cycle = self
            .claim(cycle_id)
            .await
            .expect("a cycle that nobody holds");
        self.record_reports(&cycle, reports).await;
        self.finish(&cycle).await;
        cycle_id
    }

    /// Records reports of connections in a cycle that is held.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn record_reports(
        &self,
        cycle: &ClaimedCycle,
        reports: impl IntoIterator<Item = ReportBuilder>,
    ) {
        let now = self.core.clock.now();
        let mut uow = self
            .core
            .store
            .begin(&self.id, Fence::Shared)
            .await
            .expect("the store");
        for report in reports {
            let report = report.build();
            uow.keep_rejections(&refused_in(&report), Some(cycle.cycle_id), now)
                .await
                .expect("the rejections");
            uow.record_connection(cycle.cycle_id, &report, now, now)
                .await
                .expect("a report");
        }
        uow.commit().await.expect("a commit");
    }

    /// Ends a cycle that is held, with the status that follows from its recorded connections.
    ///
    /// # Panics
    /// If it is not held.
    pub async fn finish(&self, cycle: &ClaimedCycle) {
        let now = self.core.clock.now();
        let mut uow = self
            .core
            .store
            .begin(&self.id, Fence::Shared)
            .await
            .expect("the store");
        let outcomes = uow
            .recorded_outcomes(cycle.cycle_id)
            .await
            .expect("the store")
            .into_values();
        let status = CycleStatus::of_outcomes(outcomes);
        assert!(
            uow.end_cycle(cycle.cycle_id, cycle.lease, status, None, now)
                .await
                .expect("the store"),
            "the lease is held"
        );
        uow.record_streams(
            cycle.cycle_id,
            &self.core.provider_registry.streamed_types(),
        )
        .await
        .expect("the store");
        uow.commit().await.expect("a commit");
    }

    /// Loads a cycle with its reports.
    ///
    /// # Panics
    /// If there is no such cycle.
    pub async fn cycle(&self, cycle_id: CycleId) -> PollCycle {
        let cycles = self
            .core
            .store
            .poll_cycles(&self.id, Some(cycle_id), None, 1)
            .await
            .expect("the store");
        cycles.into_iter().next().expect("the cycle")
    }

    /// Loads all cycles of the workspace, newest first.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn cycles(&self) -> Vec<PollCycle> {
        self.core
            .store
            .poll_cycles(&self.id, None, None, 1_000)
            .await
            .expect("the store")
    }

    /// Loads the ids of the cycles that can be claimed now.
    ///
    /// # Panics
    /// If the store fails.
    pub async fn claimable(&self) -> Vec<CycleId> {
        let candidates = self
            .core
            .store
            .claim_candidates(self.core.clock.now(), 1_000, 1_000)
            .await
            .expect("the store");
        candidates
            .into_iter()
            .filter(|candidate| candidate.workspace_id == self.id)
            .map(|candidate| candidate.cycle_id)
            .collect()
    }
}

/// Returns the rejections of a report, as a batch records them.
fn refused_in(report: &ConnectionReport) -> RejectionTally {
    let mut tally = RejectionTally::default();
    for (device_id, reason) in &report.rejected_devices {
        let reason = RejectReason::parse(reason).expect("a reason of the catalogue");
        *tally.counts.entry(reason).or_default() += 1;
        let key = RejectionKey {
            reason,
            provider_id: None,
            external_id: None,
            device_id: Some(device_id.clone()),
            pointer: None,
        };
        let refusals = RejectionSummary {
            count: 1,
            detail: "as the test has it".to_owned(),
            observed_at: None,
            trace_id: None,
        };
        tally.kept.insert(key, refusals);
    }
    tally
}
