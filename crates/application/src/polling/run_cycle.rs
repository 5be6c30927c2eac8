//! `run_workspace_cycle` of the specification.

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

/// Connections of a workspace that a cycle asks, at most.
const CONNECTIONS_AT_MOST: i64 = 1_000;

/// Why a cycle did not get to its end here. Its row says running, and another holder goes on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another holder has it, or its workspace is no longer core's to poll.
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
        .connections(&cycle.workspace_id, None, CONNECTIONS_AT_MOST)
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
    end_cycle(core, cycle).await
}

/// Ends the cycle by what every connection's record says, whichever holder wrote it.
async fn end_cycle(core: &Core, cycle: &ClaimedCycle) -> Result<CycleStatus, RunError> {
    let ended = core
        .store
        .poll_cycles(&cycle.workspace_id, Some(cycle.cycle_id), None, 1)
        .await?;
    let polls = ended.first().map_or(&[][..], |cycle| &cycle.polls);
    let reports = || polls.iter().map(|poll| &poll.report);
    let status = CycleStatus::of_outcomes(reports().map(ConnectionReport::counts_as));
    let now = core.clock.now();
    let mut uow = core.store.begin(&cycle.workspace_id, Fence::Shared).await?;
    if !uow
        .end_cycle(cycle.cycle_id, cycle.lease, status, None, now)
        .await?
    {
        return Err(RunError::LeaseLost);
    }
    uow.record_streams(cycle.cycle_id).await?;
    let total = |of: fn(&ConnectionReport) -> u32| reports().map(of).sum::<u32>();
    let failed = reports()
        .filter(|report| report.counts_as() == ConnectionOutcome::Failed)
        .count();
    let payload = json!({
        "cycle_started_at": cycle.started_at,
        "cycle_ended_at": now,
        "result_summary": {
            "status": status,
            "connections": polls.len(),
            "connections_failed": failed,
            "devices_expected": total(|report| report.devices_expected),
            "returned": total(|report| report.returned),
            "accepted": total(|report| report.accepted),
            "duplicate": total(|report| report.duplicate),
            "stale": total(|report| report.stale),
            "rejected": total(|report| report.rejected.values().sum()),
        },
    });
    core.append(
        &mut uow,
        EventType::WorkspacePollIngestCompleted,
        None,
        Some(cycle.cycle_id),
        cycle.trace_id.as_deref(),
        payload,
    )
    .await?;
    uow.commit().await?;
    metrics::cycles_ended(status.as_str(), 1);
    traces::ended(&Span::current(), status.as_str(), None);
    let took = (now - cycle.started_at).num_milliseconds();
    tracing::info!(
        outcome = %status,
        duration_ms = took,
        connections = polls.len(),
        connections_failed = failed,
        devices_expected = total(|report| report.devices_expected),
        returned = total(|report| report.returned),
        accepted = total(|report| report.accepted),
        duplicate = total(|report| report.duplicate),
        stale = total(|report| report.stale),
        rejected = total(|report| report.rejected.values().sum()),
        "poll cycle ended"
    );
    Ok(status)
}
