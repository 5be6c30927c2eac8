//! Reconciliation sweeps. At most one sweep is open at a time, and one instance holds its claim.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::{ClaimToken, SweepId};
use domain::sweeps::{SweepRecord, SweepReport, SweepStatus};

use crate::postgres::{StorageError, Store, decode, interval};

/// The number of lost claims after which a sweep is marked as failed.
const CLAIMS_LOST_AT_MOST: i32 = 3;

/// A sweep that this instance has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimedSweep {
    /// The id of the sweep.
    pub sweep_id: SweepId,
    /// The token that proves the claim.
    pub claim: ClaimToken,
}

impl Store {
    /// Requests a sweep. Returns `sweep_id` for a new sweep, or the id of the sweep that is open already.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn request_sweep(
        &self,
        sweep_id: SweepId,
        by: &str,
        now: DateTime<Utc>,
    ) -> Result<SweepId, StorageError> {
        // The open sweep may end between the two statements; then the next insert succeeds.
        loop {
            let inserted = sqlx::query!(
                r#"/* reconciliation_sweeps: request */
                INSERT INTO reconciliation_sweeps (sweep_id, status, requested_at, requested_by)
                VALUES ($1, 'queued', $2, $3)
                ON CONFLICT DO NOTHING"#,
                sweep_id.0,
                now,
                by,
            )
            .execute(&self.pool)
            .await?;
            if inserted.rows_affected() == 1 {
                return Ok(sweep_id);
            }
            let open = sqlx::query_scalar!(
                r#"/* reconciliation_sweeps: the open one */
                SELECT sweep_id FROM reconciliation_sweeps WHERE status IN ('queued', 'running')"#,
            )
            .fetch_optional(&self.pool)
            .await?;
            if let Some(open) = open {
                return Ok(SweepId(open));
            }
        }
    }

    /// Claims the open sweep, if it was requested at `requested_until` or earlier and no instance holds it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn claim_sweep(
        &self,
        claim: ClaimToken,
        duration: Duration,
        requested_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<ClaimedSweep>, StorageError> {
        let claimed = sqlx::query_scalar!(
            r#"/* reconciliation_sweeps: claim */
            UPDATE reconciliation_sweeps
            SET status = 'running', claim = $1, claimed_until = now() + $2,
                started_at = coalesce(started_at, $4),
                claims_lost = claims_lost + CASE status WHEN 'running' THEN 1 ELSE 0 END
            WHERE (status = 'queued' AND requested_at <= $3)
               OR (status = 'running' AND claimed_until < now() AND claims_lost + 1 < $5)
            RETURNING sweep_id"#,
            claim.0,
            interval(duration),
            requested_until,
            now,
            CLAIMS_LOST_AT_MOST,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(claimed.map(|id| ClaimedSweep {
            sweep_id: SweepId(id),
            claim,
        }))
    }

    /// Marks the open sweep as failed if its last allowed claim was lost.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn fail_lost_sweep(&self, now: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* reconciliation_sweeps: give up */
            UPDATE reconciliation_sweeps
            SET status = 'failed', error = 'lease_lost', ended_at = $1, claim = NULL, claimed_until = NULL
            WHERE status = 'running' AND claimed_until < now() AND claims_lost + 1 >= $2"#,
            now,
            CLAIMS_LOST_AT_MOST,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Extends a claim. Returns `false` if the claim is no longer held.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn renew_sweep(
        &self,
        sweep: ClaimedSweep,
        duration: Duration,
    ) -> Result<bool, StorageError> {
        let renewed = sqlx::query!(
            r#"/* reconciliation_sweeps: renew */
            UPDATE reconciliation_sweeps SET claimed_until = now() + $3
            WHERE sweep_id = $1 AND claim = $2 AND status = 'running' AND claimed_until >= now()"#,
            sweep.sweep_id.0,
            sweep.claim.0,
            interval(duration),
        )
        .execute(&self.pool)
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Releases a sweep, so that another instance can claim the sweep at once.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn release_sweep(&self, sweep: ClaimedSweep) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* reconciliation_sweeps: give back */
            UPDATE reconciliation_sweeps SET status = 'queued', claim = NULL, claimed_until = NULL
            WHERE sweep_id = $1 AND claim = $2 AND status = 'running'"#,
            sweep.sweep_id.0,
            sweep.claim.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Ends a sweep under its claim, and stores its report. Returns `false` if the claim is no longer held.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_sweep(
        &self,
        sweep: ClaimedSweep,
        report: &SweepReport,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let report_json =
            serde_json::to_value(report).map_err(|error| StorageError::corrupt("report", error))?;
        let ended = sqlx::query!(
            r#"/* reconciliation_sweeps: end */
            UPDATE reconciliation_sweeps
            SET status = $3, report = $4, ended_at = $5, claim = NULL, claimed_until = NULL
            WHERE sweep_id = $1 AND claim = $2 AND status = 'running'"#,
            sweep.sweep_id.0,
            sweep.claim.0,
            report.status().as_str(),
            report_json,
            now,
        )
        .execute(&self.pool)
        .await?;
        Ok(ended.rows_affected() == 1)
    }

    /// Loads one sweep; `None` if there is no such sweep.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn sweep(&self, sweep_id: SweepId) -> Result<Option<SweepRecord>, StorageError> {
        let row = sqlx::query!(
            r#"/* reconciliation_sweeps: one */
            SELECT status, requested_at, requested_by, started_at, ended_at, report, error
            FROM reconciliation_sweeps WHERE sweep_id = $1"#,
            sweep_id.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(SweepRecord {
                sweep_id,
                status: decode::word(SweepStatus::parse, "status", &row.status)?,
                requested_at: row.requested_at,
                requested_by: row.requested_by,
                started_at: row.started_at,
                ended_at: row.ended_at,
                report: row
                    .report
                    .map(|report| decode::json("report", report))
                    .transpose()?,
                error: row.error,
            })
        })
        .transpose()
    }
}
