//! The state of each workspace's schedule in the external scheduler, and the claim of the instance that changes it.
//!
//! Claims expire by the database's clock, like leases of cycles, because the instances run on machines whose clocks
//! differ.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::{ClaimToken, WorkspaceId};
use domain::polling::PollInterval;
use domain::schedules::{AppliedSchedule, CronExpression};

use crate::postgres::{StorageError, Store, decode, interval};

impl Store {
    /// Loads workspaces whose schedule is not known to match their cadence and is not claimed. Schedules with the
    /// fewest failed attempts come first. This is one of the few reads across workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspaces_with_unapplied_schedules(
        &self,
        limit: i64,
    ) -> Result<Vec<WorkspaceId>, StorageError> {
        sqlx::query_scalar!(
            r#"/* schedules: out of line */
            SELECT workspaces.workspace_id FROM workspaces LEFT JOIN schedules USING (workspace_id)
            WHERE CASE WHEN claim IS NULL
                  THEN CASE WHEN active THEN poll_interval_minutes END IS DISTINCT FROM applied_interval_minutes
                  ELSE claimed_until < now() END
            ORDER BY failures NULLS FIRST, workspaces.workspace_id
            LIMIT $1"#,
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(|id| decode::id(WorkspaceId::try_new, "workspace_id", id))
        .collect()
    }

    /// Claims a workspace's schedule. Returns `false` if another instance holds the claim, or if there is no such
    /// workspace. The caller reads the workspace's cadence after the claim: a cadence that was read before could be
    /// older than the one in the scheduler.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn claim_schedule(
        &self,
        workspace_id: &WorkspaceId,
        claim: ClaimToken,
        duration: Duration,
    ) -> Result<bool, StorageError> {
        let claimed = sqlx::query!(
            r#"/* schedules: claim */
            INSERT INTO schedules (workspace_id, claim, claimed_until)
            SELECT $1, $2, now() + $3 FROM workspaces WHERE workspace_id = $1
            ON CONFLICT (workspace_id) DO UPDATE SET claim = $2, claimed_until = now() + $3
            WHERE schedules.claim IS NULL OR schedules.claimed_until < now()"#,
            workspace_id.as_str(),
            claim.0,
            interval(duration),
        )
        .execute(&self.pool)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Records the schedule that the scheduler confirmed, or its removal if `applied` is `None`, and releases the
    /// claim. Returns `false` if another instance has claimed the schedule since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_applied_schedule(
        &self,
        workspace_id: &WorkspaceId,
        claim: ClaimToken,
        applied: Option<(PollInterval, &CronExpression)>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let minutes = applied.and_then(|(interval, _)| i32::try_from(interval.minutes()).ok());
        let recorded = sqlx::query!(
            r#"/* schedules: confirmed */
            UPDATE schedules
            SET applied_interval_minutes = $3, applied_expression = $4, applied_at = $5,
                claim = NULL, claimed_until = NULL, failures = 0, error = NULL
            WHERE workspace_id = $1 AND claim = $2"#,
            workspace_id.as_str(),
            claim.0,
            minutes,
            applied.map(|(_, expression)| expression.as_str()),
            now,
        )
        .execute(&self.pool)
        .await?;
        Ok(recorded.rows_affected() == 1)
    }

    /// Records that an attempt failed. The schedule can be claimed again after a pause, which doubles with each failure
    /// up to a minute.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_failed_schedule(
        &self,
        workspace_id: &WorkspaceId,
        claim: ClaimToken,
        error: &str,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* schedules: failed */
            UPDATE schedules
            SET failures = failures + 1, error = $3,
                claimed_until = now() + make_interval(secs => least(60, power(2, least(failures, 6))) * (0.75 + random() / 2))
            WHERE workspace_id = $1 AND claim = $2"#,
            workspace_id.as_str(),
            claim.0,
            error,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Marks a schedule as unknown after a request to the scheduler under a claim that was lost: the request may have
    /// arrived after a request of the claim's new holder. The schedule can be claimed at once, and the new holder finds
    /// its claim gone when it records its result.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn mark_schedule_unknown(
        &self,
        workspace_id: &WorkspaceId,
        claim: ClaimToken,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* schedules: in doubt */
            UPDATE schedules SET claim = $2, claimed_until = now() WHERE workspace_id = $1"#,
            workspace_id.as_str(),
            claim.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Loads the recorded state of a workspace's schedule; the default state if nothing is recorded.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn applied_schedule(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<AppliedSchedule, StorageError> {
        let row = sqlx::query!(
            r#"/* schedules: one */
            SELECT applied_expression, applied_at, claim, error FROM schedules WHERE workspace_id = $1"#,
            workspace_id.as_str(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(
            row.map_or_else(AppliedSchedule::default, |row| AppliedSchedule {
                expression: row.applied_expression,
                applied_at: row.applied_at,
                in_doubt: row.claim.is_some(),
                error: row.error,
            }),
        )
    }
}
