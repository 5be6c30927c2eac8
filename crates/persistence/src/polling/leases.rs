//! Leases of running cycles. A lease expires by the database's clock, because the holders run on machines whose clocks
//! differ and must agree on the time of expiry.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CycleId, LeaseToken, WorkspaceId};
use domain::polling::{CycleStatus, SkipReason};

use super::closed_cycles::{ClosedCycle, ClosedCycleRow};
use crate::postgres::{StorageError, Store, UnitOfWork, decode, interval, violated_constraint};

/// The number of lost leases after which a cycle is abandoned.
const LEASES_LOST_AT_MOST: i32 = 3;

/// A cycle that can be claimed: either queued and due, or running with an expired lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimCandidate {
    /// The workspace of the cycle.
    pub workspace_id: WorkspaceId,
    /// The id of the cycle.
    pub cycle_id: CycleId,
    /// Whether the workspace's latest cycle did not complete: a connection that failed then may block a worker now.
    pub troubled: bool,
}

/// A cycle that this instance has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedCycle {
    /// The workspace of the cycle.
    pub workspace_id: WorkspaceId,
    /// The id of the cycle.
    pub cycle_id: CycleId,
    /// The token that proves the lease.
    pub lease: LeaseToken,
    /// The time at which the first holder started the cycle.
    pub started_at: DateTime<Utc>,
    /// The trace id of the trigger.
    pub trace_id: Option<String>,
    /// The delay between due time and start of a scheduled cycle; `None` unless this claim is the cycle's first.
    pub slot_started_after: Option<TimeDelta>,
}

impl Store {
    /// Loads cycles that can be claimed, longest due first. Workspaces whose latest cycle completed and troubled
    /// workspaces have separate limits, so that neither group crowds out the other. This is one of the few reads across
    /// workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn claim_candidates(
        &self,
        now: DateTime<Utc>,
        healthy_limit: i64,
        troubled_limit: i64,
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
            healthy_limit,
            troubled_limit,
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

    /// Claims a candidate by a conditional update, so that one of several instances succeeds. The same statement
    /// records the start as an event whose id is the lease's id, because a lease starts once.
    ///
    /// Returns `None` if another instance was faster, if another cycle of the workspace is running, or if the cycle's
    /// row is locked. A locked row means that results of the previous lease are being written, or that their writer has
    /// stopped; waiting for the lock would delay the claims of all other workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Extends a lease. Returns `false` if the lease is no longer held.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Releases a cycle, so that another instance can claim the cycle at once. A release does not count as a lost
    /// lease.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Loads the workspaces that have cycles which will never run; [`Self::retire_cycles`] closes these cycles. The
    /// statement reads all workspaces, but only their few open cycles.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Closes cycles that will never run, and returns them. A running cycle is abandoned after its last lease was lost.
    /// A queued cycle expires when a newer slot of the workspace is due; a manual cycle has no slot, so it never
    /// expires.
    ///
    /// The same statement records each closing as an event whose id is the cycle's id, because a cycle is closed only
    /// once. A cycle whose row is locked is left for the next call.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn retire_cycles(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClosedCycle>, StorageError> {
        sqlx::query_as!(
            ClosedCycleRow,
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
    /// Returns whether the lease is held, and locks the cycle's row until this unit of work ends. Nobody can claim the
    /// cycle while its row is locked, so results of a lost lease are never recorded after a new claim.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Ends a cycle under its lease. Returns `false` if the lease is no longer held. The statement also counts the
    /// cycle's slot, and stores the time for which devices were fresh since the previous cycle.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
