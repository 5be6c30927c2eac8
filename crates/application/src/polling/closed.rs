//! Cycles that ended without being polled to their end.

use domain::ids::WorkspaceId;
use persistence::polling::ClosedCycle;
use telemetry::metrics;

/// Counts cycles that were closed, and logs one line for each. Called once their end is committed.
pub(crate) fn report_closed_cycles(workspace_id: &WorkspaceId, closed: &[ClosedCycle]) {
    for cycle in closed {
        metrics::cycles_ended(cycle.status.as_str(), 1);
        tracing::info!(
            %workspace_id,
            cycle_id = %cycle.cycle_id,
            trace_id = cycle.trace_id,
            outcome = %cycle.status,
            reason = cycle.reason,
            "poll cycle ended"
        );
    }
}
