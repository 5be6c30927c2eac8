//! Cycles that ended without being polled to their end: counted, and told in one line each.

use domain::ids::WorkspaceId;
use persistence::polling::ClosedCycle;
use telemetry::metrics;

/// Tells that cycles are over, once that is committed.
pub(crate) fn tell_closed(workspace_id: &WorkspaceId, closed: &[ClosedCycle]) {
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
