//! Cycles that were closed before their polling was complete.

use chrono::{DateTime, Utc};
use domain::ids::CycleId;
use domain::polling::CycleStatus;
use uuid::Uuid;

use crate::postgres::{StorageError, UnitOfWork, decode};

/// A cycle that was closed before its polling was complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedCycle {
    /// The id of the cycle.
    pub cycle_id: CycleId,
    /// The final status: skipped, expired or abandoned.
    pub status: CycleStatus,
    /// The reason for which the cycle was closed.
    pub reason: Option<String>,
    /// The trace id of the trigger.
    pub trace_id: Option<String>,
}

/// The columns of a [`ClosedCycle`].
pub(crate) struct ClosedCycleRow {
    pub(crate) cycle_id: Uuid,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) trace_id: Option<String>,
}

impl TryFrom<ClosedCycleRow> for ClosedCycle {
    type Error = StorageError;

    fn try_from(row: ClosedCycleRow) -> Result<Self, StorageError> {
        Ok(Self {
            cycle_id: CycleId(row.cycle_id),
            status: decode::word(CycleStatus::parse, "status", &row.status)?,
            reason: row.reason,
            trace_id: row.trace_id,
        })
    }
}

impl UnitOfWork {
    /// Closes this workspace's queued and running cycles, because core no longer polls the workspace. The caller holds
    /// the exclusive fence, so results that a running cycle delivers later are rejected.
    ///
    /// Each closing is recorded as an event whose id is the cycle's id, because a cycle is closed only once.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn skip_open_cycles(
        &mut self,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClosedCycle>, StorageError> {
        sqlx::query_as!(
            ClosedCycleRow,
            r#"/* poll_cycles: skip the open ones */
            WITH closed AS (
                UPDATE poll_cycles
                SET status = 'skipped', reason = $2, ended_at = $3, lease_token = NULL, lease_expires_at = NULL
                WHERE workspace_id = $1 AND status IN ('queued', 'running')
                RETURNING cycle_id, status, reason, trace_id, scheduled_time, missed_at
            ), counted AS (
                INSERT INTO poll_cycle_hours AS kept (workspace_id, hour, outcome, slots)
                SELECT $1, date_trunc('hour', scheduled_time, 'UTC'), status, count(*) FROM closed
                WHERE scheduled_time IS NOT NULL AND missed_at IS NULL
                GROUP BY 2, 3 ORDER BY 2, 3
                ON CONFLICT (workspace_id, hour, outcome) DO UPDATE SET slots = kept.slots + excluded.slots
            ), recorded AS (
                INSERT INTO event_store (workspace_id, recorded_at, event_id, type, cycle_id, trace_id, payload)
                SELECT $1, $3, cycle_id, 'WorkspacePollCycleClosed', cycle_id, trace_id,
                       json_build_object('status', status, 'reason', reason)
                FROM closed
            )
            SELECT cycle_id, status, reason, trace_id FROM closed"#,
            self.workspace_id.as_str(),
            reason,
            now,
        )
        .fetch_all(&mut *self.tx)
        .await?
        .into_iter()
        .map(ClosedCycle::try_from)
        .collect()
    }
}
