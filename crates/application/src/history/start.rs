//! The beginning of the history that a state of the past is computed from.

use chrono::{DateTime, NaiveTime, Utc};
use domain::history::first_kept_day;
use domain::ids::WorkspaceId;
use persistence::StorageError;
use persistence::history::HistoryStart;

use crate::Core;

/// Finds the newest baseline at `at` or before. Without such a baseline the history begins with the oldest event that
/// is kept.
pub(crate) async fn history_start(
    core: &Core,
    workspace_id: &WorkspaceId,
    at: DateTime<Utc>,
) -> Result<HistoryStart, StorageError> {
    let first_kept = first_kept_day(core.rules.event_retention, core.clock.now());
    Ok(HistoryStart {
        baseline_at: core.store.baseline_at(workspace_id, at).await?,
        whole_since: first_kept.and_time(NaiveTime::MIN).and_utc(),
    })
}
