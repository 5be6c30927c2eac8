//! The evaluation of a workspace at an instant of the past: the rules are the same, the facts come from the history.

use chrono::{DateTime, Utc};
use domain::history::{first_kept_day, retained_since};
use domain::ids::WorkspaceId;
use telemetry::metrics;

use super::HealthReport;
use crate::Core;
use crate::history::history_start;
use crate::queries::{QueryError, get_workspace};

/// Evaluates every device that was active at an instant of the past, by the events that were recorded until then. The
/// result is the health that was returned at that instant, except for updates whose transactions were open then.
pub(super) async fn evaluate_past_workspace(
    core: &Core,
    workspace_id: &WorkspaceId,
    at: DateTime<Utc>,
) -> Result<HealthReport, QueryError> {
    let record = get_workspace(core, workspace_id).await?;
    let mut measured = metrics::query("health_as_of");
    let first_kept = first_kept_day(core.rules.event_retention, core.clock.now());
    let oldest = core.store.oldest_baseline(workspace_id, first_kept).await?;
    let since = retained_since(record.workspace.created_at, oldest, first_kept);
    if since.is_none_or(|since| at < since) {
        return Err(QueryError::HistoryNotRetained { since });
    }
    let start = history_start(core, workspace_id, at).await?;
    let record = core.store.workspace_as_of(record, at).await?;
    let facts = core
        .store
        .health_facts_as_of(workspace_id, start, at)
        .await?;
    measured.about_devices(facts.devices.len());
    Ok(HealthReport::evaluate(record, facts, at))
}
