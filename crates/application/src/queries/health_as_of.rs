//! The health of a workspace's devices as it was: the same rules over facts read from the history.

use chrono::{DateTime, Utc};
use domain::history::{first_kept_day, retained_since};
use persistence::StorageError;
use persistence::fleet::WorkspaceRecord;
use telemetry::metrics;

use super::HealthReport;
use super::health::report;
use crate::Core;
use crate::history::history_start;

/// What is known of an earlier instant.
#[derive(Clone, Debug)]
pub enum PastHealth {
    /// The workspace's flags and policy as they were, and what follows from them.
    Told(Box<WorkspaceRecord>, HealthReport),
    /// Nothing: the history of the workspace begins later, or not yet.
    NotRetained {
        /// When.
        since: Option<DateTime<Utc>>,
    },
}

/// Evaluates every device that was active at an instant of the past, by what was recorded until then. It
/// is what was told at that instant, but for updates that were still on their way into the database.
///
/// # Errors
/// When the store fails.
pub async fn workspace_health_as_of(
    core: &Core,
    record: &WorkspaceRecord,
    at: DateTime<Utc>,
) -> Result<PastHealth, StorageError> {
    let mut measured = metrics::query("health_as_of");
    let workspace = &record.workspace;
    let first_kept = first_kept_day(core.rules.event_retention, core.clock.now());
    let oldest = core
        .store
        .oldest_baseline(&workspace.id, first_kept)
        .await?;
    let since = retained_since(workspace.created_at, oldest, first_kept);
    if since.is_none_or(|since| at < since) {
        return Ok(PastHealth::NotRetained { since });
    }
    let start = history_start(core, &workspace.id, at).await?;
    let record = core.store.workspace_as_of(record, at).await?;
    let facts = core
        .store
        .health_facts_as_of(&record.workspace.id, start, at)
        .await?;
    measured.about_devices(facts.devices.len());
    let report = report(&record, facts, at);
    Ok(PastHealth::Told(Box::new(record), report))
}
