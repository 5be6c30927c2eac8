//! Leases of running cycles: the one place where the database's clock is the judge, because holders
//! on machines with different clocks must agree on when a lease is over.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CycleId, LeaseToken, WorkspaceId};
use domain::polling::{CycleStatus, SkipReason};

use super::closed_cycles::{ClosedCycle, ClosedRow};
use crate::postgres::{StorageError, Store, UnitOfWork, decode, interval, violated_constraint};

/// Lost leases after which a cycle is given up.
const LEASES_LOST_AT_MOST: i32 = 3;

/// A cycle that can be taken: due and queued, or running under a lease that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimCandidate {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub cycle_id: CycleId,
    /// Whether some connection of the workspace failed in its latest cycle, and so may hang in this one.
    pub troubled: bool,
}

/// A cycle that this instance holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedCycle {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub cycle_id: CycleId,
    /// Proof of the lease.
    pub lease: LeaseToken,
    /// When it first started, under whichever holder.
    pub started_at: DateTime<Utc>,
    /// The trigger's trace id.
    pub trace_id: Option<String>,
    /// How long after its due time a slot's cycle started, for the one holder that started it.
    pub slot_started_after: Option<TimeDelta>,
}

impl Store {
    /// Cycles that can be claimed, longest due first, so many of workspaces whose latest cycle completed
    /// and so many of troubled ones: neither crowds out the other. One of the few reads across workspaces.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_candidates(
        &self,
        now: DateTime<Utc>,
        well: i64,
        troubled: i64,
    ) -> Result<Vec<ClaimCandidate>, StorageError> {
        sqlx::query!(
            r#"/* poll_cycles: claim candidates */
            WITH due AS MATERIALIZED (
                SELECT workspace_id, cycle_id, due_at, coalesce((
                    SELECT ran.status <> 'completed' FROM poll_cycles ran
                    WHERE ran.workspace_id = open.workspace_id AND ran.polled
                    ORDER BY ran.ended_at DESC LIMIT 1
                ), false) AS troubled
                FROM poll_cycles AS open
                WHERE status IN ('queued', 'running')
                  AND CASE WHEN status = 'queued' THEN due_at <= $1 AND NOT EXISTS (
                          SELECT 1 FROM poll_cycles running
                          WHERE running.workspace_id = open.workspace_id AND running.status = 'running')
                      ELSE lease_expires_at < now()
                      END
            )
            SELECT workspace_id AS "workspace_id!", cycle_id AS "cycle_id!", troubled AS "troubled!" FROM (
                (SELECT * FROM due WHERE NOT troubled ORDER BY due_at LIMIT $2)
                UNION ALL
                (SELECT * FROM due WHERE troubled ORDER BY due_at LIMIT $3)
            ) AS candidates
            ORDER BY due_at"#,
            now,
            well,
            troubled,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(ClaimCandidate {
                workspace_id: decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
                cycle_id: CycleId(row.cycle_id),
                troubled: row.troubled,
            })
        })
        .collect()
    }

    /// Takes a candidate, by a conditional update within its workspace: of many that try, one wins, and
    /// its start is an event, in the same statement. That has the lease's id: there is one to each.
    /// `None` when another was quicker, another cycle of the workspace runs, or its row is locked: results
    /// of the lease before are landing, or their holder was stopped over them. Waiting for that would keep
    /// the claims of all other workspaces waiting behind it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim_cycle(
        &self,
        candidate: &ClaimCandidate,
        lease: LeaseToken,
        duration: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<ClaimedCycle>, StorageError> {
        let claimed = sqlx::query!(
            r#"/* poll_cycles: claim */
            WITH free AS (
                SELECT cycle_id FROM poll_cycles
                WHERE workspace_id = $1 AND cycle_id = $2
                  AND ((status = 'queued' AND due_at <= $5)
                       OR (status = 'running' AND lease_expires_at < now() AND leases_lost + 1 < $6))
                FOR NO KEY UPDATE SKIP LOCKED
            ), claimed AS (
                UPDATE poll_cycles AS cycle
                SET status = 'running', lease_token = $3, lease_expires_at = now() + $4,
                    started_at = coalesce(started_at, $5), claimed_at = claimed_at || $5::timestamptz,
                    leases_lost = leases_lost + CASE status WHEN 'running' THEN 1 ELSE 0 END
                FROM free
                WHERE cycle.workspace_id = $1 AND cycle.cycle_id = free.cycle_id
                RETURNING started_at, trace_id, due_at, trigger, claimed_at, leases_lost
            ), recorded AS (
                INSERT INTO event_store (workspace_id, recorded_at, event_id, type, cycle_id, trace_id, payload)
                SELECT $1, $5, $3, 'WorkspacePollCycleStarted', $2, trace_id,
                       json_build_object('claim', cardinality(claimed_at), 'leases_lost', leases_lost)
                FROM claimed
            )
            SELECT started_at AS "started_at!", trace_id, due_at,
                   trigger = 'scheduled' AND cardinality(claimed_at) = 1 AS "first_of_a_slot!"
            FROM claimed"#,
            candidate.workspace_id.as_str(),
            candidate.cycle_id.0,
            lease.0,
            interval(duration),
            now,
            LEASES_LOST_AT_MOST,
        )
        .fetch_optional(&self.pool)
        .await;
        match claimed {
            Ok(row) => Ok(row.map(|row| ClaimedCycle {
                slot_started_after: row.first_of_a_slot.then(|| row.started_at - row.due_at),
                workspace_id: candidate.workspace_id.clone(),
                cycle_id: candidate.cycle_id,
                lease,
                started_at: row.started_at,
                trace_id: row.trace_id,
            })),
            Err(error) if violated_constraint(&error) == Some("poll_cycles_one_running") => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Prolongs a lease; `false` when it is no longer held.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renew_lease(
        &self,
        cycle: &ClaimedCycle,
        duration: Duration,
    ) -> Result<bool, StorageError> {
        let renewed = sqlx::query!(
            r#"/* poll_cycles: renew a lease */
            UPDATE poll_cycles SET lease_expires_at = now() + $4
            WHERE workspace_id = $1 AND cycle_id = $2 AND lease_token = $3 AND status = 'running'
              AND lease_expires_at >= now()"#,
            cycle.workspace_id.as_str(),
            cycle.cycle_id.0,
            cycle.lease.0,
            interval(duration),
        )
        .execute(&self.pool)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Gives a cycle back for another instance to take at once: nobody has lost anything.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release_cycle(&self, cycle: &ClaimedCycle) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* poll_cycles: give back */
            UPDATE poll_cycles SET status = 'queued', lease_token = NULL, lease_expires_at = NULL
            WHERE workspace_id = $1 AND cycle_id = $2 AND lease_token = $3 AND status = 'running'"#,
            cycle.workspace_id.as_str(),
            cycle.cycle_id.0,
            cycle.lease.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Workspaces with cycles that will never run; [`Self::retire_cycles`] ends them. A read across
    /// workspaces, of the few cycles that are open.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn workspaces_to_tidy(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* poll_cycles: workspaces with some to retire */
            SELECT DISTINCT workspace_id FROM poll_cycles AS old
            WHERE (status = 'running' AND lease_expires_at < now() AND leases_lost + 1 >= $2)
               OR (status = 'queued' AND due_at <= $1 AND EXISTS (
                    SELECT 1 FROM poll_cycles newer
                    WHERE newer.workspace_id = old.workspace_id AND newer.scheduled_time > old.scheduled_time
                      AND newer.due_at <= $1 AND newer.status = ANY ($3)
                ))"#,
            now,
            LEASES_LOST_AT_MOST,
            &CycleStatus::words_where(CycleStatus::supersedes_older_slots) as &[&str],
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|id| decode::id(WorkspaceId::try_new, "workspace_id", &id))
        .collect()
    }

    /// Ends cycles that will never run: abandoned after the last of their leases was lost, superseded
    /// when a newer slot of the workspace is due as well; a manual cycle has no slot to be older than. Each
    /// end is an event, in the same statement, with the cycle's own id: it ends once. One whose row is
    /// locked is left to the next look.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn retire_cycles(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClosedCycle>, StorageError> {
        sqlx::query_as!(
            ClosedRow,
            r#"/* poll_cycles: retire */
            WITH ending AS (
                SELECT cycle_id FROM poll_cycles AS old
                WHERE workspace_id = $1 AND (
                    (status = 'running' AND lease_expires_at < now() AND leases_lost + 1 >= $3)
                    OR (status = 'queued' AND due_at <= $2 AND EXISTS (
                        SELECT 1 FROM poll_cycles newer
                        WHERE newer.workspace_id = $1 AND newer.scheduled_time > old.scheduled_time AND newer.due_at <= $2
                          AND newer.status = ANY ($6)
                    ))
                )
                FOR NO KEY UPDATE OF old SKIP LOCKED
            ), closed AS (
                UPDATE poll_cycles AS old
                SET status = CASE WHEN status = 'queued' THEN 'expired' ELSE 'abandoned' END,
                    reason = CASE WHEN status = 'queued' THEN $4 ELSE $5 END,
                    ended_at = $2
                FROM ending
                WHERE old.workspace_id = $1 AND old.cycle_id = ending.cycle_id
                RETURNING old.cycle_id, status, reason, trace_id, scheduled_time, missed_at
            ), counted AS (
                INSERT INTO poll_cycle_hours AS kept (workspace_id, hour, outcome, slots)
                SELECT $1, date_trunc('hour', scheduled_time, 'UTC'), status, count(*) FROM closed
                WHERE scheduled_time IS NOT NULL AND missed_at IS NULL
                GROUP BY 2, 3 ORDER BY 2, 3
                ON CONFLICT (workspace_id, hour, outcome) DO UPDATE SET slots = kept.slots + excluded.slots
            ), recorded AS (
                INSERT INTO event_store (workspace_id, recorded_at, event_id, type, cycle_id, trace_id, payload)
                SELECT $1, $2, cycle_id, 'WorkspacePollCycleClosed', cycle_id, trace_id,
                       json_build_object('status', status, 'reason', reason)
                FROM closed
            )
            SELECT cycle_id, status, reason, trace_id FROM closed"#,
            workspace_id.as_str(),
            now,
            LEASES_LOST_AT_MOST,
            SkipReason::Superseded.as_str(),
            SkipReason::LeaseLost.as_str(),
            &CycleStatus::words_where(CycleStatus::supersedes_older_slots) as &[&str],
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(ClosedCycle::try_from)
        .collect()
    }
}

impl UnitOfWork {
    /// Whether the lease is held, and keeps it held until this unit of work ends: nobody takes the row
    /// over while it is locked, so nothing fetched under a lost lease can land after a take-over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds_lease(
        &mut self,
        cycle_id: CycleId,
        lease: LeaseToken,
    ) -> Result<bool, StorageError> {
        let held = sqlx::query!(
            r#"/* poll_cycles: is the lease held */
            SELECT 1 AS one FROM poll_cycles
            WHERE workspace_id = $1 AND cycle_id = $2 AND lease_token = $3 AND status = 'running'
              AND lease_expires_at >= now()
            FOR SHARE"#,
            self.workspace_id.as_str(),
            cycle_id.0,
            lease.0,
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(held.is_some())
    }

    /// Ends a cycle under its lease; `false` when it is no longer held. Its slot is counted, and for how
    /// long devices were fresh since the cycle before is kept with it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_cycle(
        &mut self,
        cycle_id: CycleId,
        lease: LeaseToken,
        status: CycleStatus,
        reason: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let measured = self.fresh_time(cycle_id, now).await?;
        let ended = sqlx::query_scalar!(
            r#"/* poll_cycles: end */
            WITH ended AS (
                UPDATE poll_cycles
                SET status = $4, reason = $5, ended_at = $6, lease_token = NULL, lease_expires_at = NULL,
                    measured_since = $7, eligible_us = $8, fresh_us = $9
                WHERE workspace_id = $1 AND cycle_id = $2 AND lease_token = $3 AND status = 'running'
                  AND lease_expires_at >= now()
                RETURNING status, scheduled_time, missed_at
            ), counted AS (
                INSERT INTO poll_cycle_hours AS kept (workspace_id, hour, outcome, slots)
                SELECT $1, date_trunc('hour', scheduled_time, 'UTC'), status, count(*) FROM ended
                WHERE scheduled_time IS NOT NULL AND missed_at IS NULL
                GROUP BY 2, 3 ORDER BY 2, 3
                ON CONFLICT (workspace_id, hour, outcome) DO UPDATE SET slots = kept.slots + excluded.slots
            )
            SELECT count(*) AS "ended!" FROM ended"#,
            self.workspace_id.as_str(),
            cycle_id.0,
            lease.0,
            status.as_str(),
            reason,
            now,
            measured.since,
            measured.time.eligible_us,
            measured.time.fresh_us,
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(ended == 1)
    }
}
