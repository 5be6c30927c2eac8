//! `run_workspace_cycle` of the specification.

use chrono::{DateTime, TimeDelta, Utc};
use domain::BrokenInvariant;
use domain::events::EventType;
use domain::polling::{ConnectionOutcome, ConnectionReport, CycleStatus};
use futures::future::join_all;
use persistence::polling::ClaimedCycle;
use persistence::{Fence, StorageError};
use providers::Providers;
use serde_json::json;
use telemetry::{metrics, traces};
use tracing::{Instrument, Span};

use super::poll_connection::poll_connection;
use crate::Core;
use crate::commands::AcceptError;

/// How many connections of a workspace one cycle asks.
const MAX_CONNECTIONS: i64 = 1_000;

/// Why this instance did not end a cycle. The cycle's row still says running, and another holder goes on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another instance holds the cycle, or its workspace is no longer core's to poll.
    #[error("the cycle's lease is no longer held")]
    LeaseLost,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The code is wrong.
    #[error(transparent)]
    Broken(#[from] BrokenInvariant),
}

impl From<AcceptError> for RunError {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Storage(error) => Self::Storage(error),
            AcceptError::Broken(error) => Self::Broken(error),
            // Flags and activity fence by ending the workspace's open cycles.
            AcceptError::LeaseLost
            | AcceptError::UnknownWorkspace
            | AcceptError::InactiveWorkspace => Self::LeaseLost,
        }
    }
}

/// Runs a claimed cycle to its end, asking only those connections that no earlier holder has
/// recorded. One connection's failure leaves the others' results accepted.
///
/// # Errors
/// [`RunError`].
pub async fn run_cycle(
    core: &Core,
    providers: &Providers,
    cycle: &ClaimedCycle,
) -> Result<CycleStatus, RunError> {
    let workspace = core
        .store
        .workspace(&cycle.workspace_id)
        .await?
        .ok_or(RunError::LeaseLost)?;
    let connections = core
        .store
        .connections(&cycle.workspace_id, None, MAX_CONNECTIONS)
        .await?;
    let mut uow = core.store.begin(&cycle.workspace_id, Fence::Shared).await?;
    let recorded = uow.recorded_outcomes(cycle.cycle_id).await?;
    uow.commit().await?;

    let polls = connections
        .iter()
        .filter(|connection| !recorded.contains_key(&connection.id))
        .map(|connection| {
            let span = tracing::error_span!("poll_connection", provider_id = %connection.id);
            poll_connection(core, providers, cycle, &workspace, connection).instrument(span)
        });
    for polled in join_all(polls).await {
        polled?;
    }
    end_cycle(core, providers, cycle).await
}

/// Ends the cycle with the status that follows from every connection's record, whichever holder wrote it.
async fn end_cycle(
    core: &Core,
    providers: &Providers,
    cycle: &ClaimedCycle,
) -> Result<CycleStatus, RunError> {
    let ended = core
        .store
        .poll_cycles(&cycle.workspace_id, Some(cycle.cycle_id), None, 1)
        .await?;
    let polls = ended.first().map_or(&[][..], |cycle| &cycle.polls);
    let reports: Vec<&ConnectionReport> = polls.iter().map(|poll| &poll.report).collect();
    let status = CycleStatus::of_outcomes(reports.iter().map(|report| report.counts_as()));
    let summary = CycleSummary::of_reports(&reports);
    let now = core.clock.now();
    let mut uow = core.store.begin(&cycle.workspace_id, Fence::Shared).await?;
    if !uow
        .end_cycle(cycle.cycle_id, cycle.lease, status, None, now)
        .await?
    {
        return Err(RunError::LeaseLost);
    }
    let streamed = providers.registry().streamed_types();
    uow.record_streams(cycle.cycle_id, &streamed).await?;
    core.append(
        &mut uow,
        EventType::WorkspacePollIngestCompleted,
        None,
        Some(cycle.cycle_id),
        cycle.trace_id.as_deref(),
        summary.payload(status, cycle.started_at, now),
    )
    .await?;
    uow.commit().await?;
    metrics::cycles_ended(status.as_str(), 1);
    traces::ended(&Span::current(), status.as_str(), None);
    summary.log(status, now - cycle.started_at);
    Ok(status)
}

/// The sums over the connections of a cycle.
struct CycleSummary {
    connections: usize,
    connections_failed: usize,
    devices_expected: u32,
    returned: u32,
    accepted: u32,
    duplicate: u32,
    stale: u32,
    rejected: u32,
}

impl CycleSummary {
    fn of_reports(reports: &[&ConnectionReport]) -> Self {
        let total =
            |of: fn(&ConnectionReport) -> u32| reports.iter().map(|report| of(report)).sum::<u32>();
        let failed = reports
            .iter()
            .filter(|report| report.counts_as() == ConnectionOutcome::Failed);
        Self {
            connections: reports.len(),
            connections_failed: failed.count(),
            devices_expected: total(|report| report.devices_expected),
            returned: total(|report| report.returned),
            accepted: total(|report| report.accepted),
            duplicate: total(|report| report.duplicate),
            stale: total(|report| report.stale),
            rejected: total(|report| report.rejected.values().sum()),
        }
    }

    /// Returns the payload of the event that ends the cycle.
    fn payload(
        &self,
        status: CycleStatus,
        started_at: DateTime<Utc>,
        ended_at: DateTime<Utc>,
    ) -> serde_json::Value {
        json!({
            "cycle_started_at": started_at,
            "cycle_ended_at": ended_at,
            "result_summary": {
                "status": status,
                "connections": self.connections,
                "connections_failed": self.connections_failed,
                "devices_expected": self.devices_expected,
                "returned": self.returned,
                "accepted": self.accepted,
                "duplicate": self.duplicate,
                "stale": self.stale,
                "rejected": self.rejected,
            },
        })
    }

    fn log(&self, status: CycleStatus, took: TimeDelta) {
        tracing::info!(
            outcome = %status,
            duration_ms = took.num_milliseconds(),
            connections = self.connections,
            connections_failed = self.connections_failed,
            devices_expected = self.devices_expected,
            returned = self.returned,
            accepted = self.accepted,
            duplicate = self.duplicate,
            stale = self.stale,
            rejected = self.rejected,
            "poll cycle ended"
        );
    }
}
