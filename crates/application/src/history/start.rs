//! Where the history that an instant follows from begins.

use chrono::{DateTime, NaiveTime, Utc};
use domain::history::first_kept_day;
use domain::ids::WorkspaceId;
use persistence::StorageError;
use persistence::history::HistoryStart;

use crate::Core;

/// The newest baseline at an instant or before; where there is none, all that is kept.
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
