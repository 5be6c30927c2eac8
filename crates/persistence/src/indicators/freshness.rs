//! For how long a workspace's devices were fresh, from the history of their accepted updates.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CycleId, WorkspaceId};
use domain::indicators::{FreshTime, OUTAGE_CLASSES, Window};
use domain::polling::ErrorClass;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork};

/// For how long a device is fresh after an accepted update (NFR-001).
const FRESH_FOR: TimeDelta = TimeDelta::seconds(300);

/// A span that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Its beginning.
    pub since: DateTime<Utc>,
    pub time: FreshTime,
}

/// Up to where a workspace's freshness has been measured.
struct Unmeasured {
    since: DateTime<Utc>,
    last_cycle_id: Option<Uuid>,
}

impl UnitOfWork {
    /// Measures from the end of the workspace's latest cycle to now, the end of this one.
    pub(crate) async fn fresh_time(
        &mut self,
        cycle_id: CycleId,
        now: DateTime<Utc>,
    ) -> Result<Measured, StorageError> {
        let unmeasured = unmeasured(&mut *self.tx, &self.workspace_id, now).await?;
        let since = unmeasured.map_or(now, |unmeasured| unmeasured.since.min(now));
        let span = (since, now);
        let time = fresh_time(&mut *self.tx, &self.workspace_id, span, Some(cycle_id.0)).await?;
        Ok(Measured { since, time })
    }
}

impl Store {
    /// Measures from the end of the workspace's latest cycle to now: what no cycle has yet. Nothing, where
    /// there is no such workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn fresh_time_since_last_cycle(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<FreshTime, StorageError> {
        match unmeasured(&self.pool, workspace_id, now).await? {
            Some(unmeasured) if unmeasured.since < now => {
                let span = (unmeasured.since, now);
                fresh_time(&self.pool, workspace_id, span, unmeasured.last_cycle_id).await
            }
            _ => Ok(FreshTime::default()),
        }
    }
}

/// Since the latest cycle, since core polls the workspace, or for as long as anybody asks for.
async fn unmeasured(
    executor: impl PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Option<Unmeasured>, StorageError> {
    Ok(sqlx::query_as!(
        Unmeasured,
        r#"/* freshness: not measured yet */
        SELECT greatest(w.polling_changed_at, $2::timestamptz, last.ended_at) AS "since!",
               last.cycle_id AS "last_cycle_id?"
        FROM workspaces w
        LEFT JOIN LATERAL (
            SELECT cycle_id, ended_at FROM poll_cycles
            WHERE workspace_id = $1 AND status IN ('completed', 'partial', 'failed')
            ORDER BY ended_at DESC LIMIT 1
        ) last ON true
        WHERE w.workspace_id = $1"#,
        workspace_id.as_str(),
        Window::LONGEST.start(now),
    )
    .fetch_optional(executor)
    .await?)
}

/// Sums over the workspace's active devices, but for those of connections whose provider was down in the
/// cycle.
///
/// A device's first update of its activation is known to be the first where the span, with the updates
/// that its beginning depends on, holds as many as the snapshot has counted.
async fn fresh_time(
    executor: impl PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
    cycle_id: Option<Uuid>,
) -> Result<FreshTime, StorageError> {
    let outages: Vec<String> = OUTAGE_CLASSES
        .iter()
        .map(|class| ErrorClass::as_str(*class).to_owned())
        .collect();
    Ok(sqlx::query_as!(
        FreshTime,
        r#"/* freshness: of a span */
        WITH updates AS (
            SELECT e.device_id, e.recorded_at,
                   lead(e.recorded_at) OVER (PARTITION BY e.device_id ORDER BY e.recorded_at) AS next_at
            FROM event_store e
            JOIN devices d ON d.workspace_id = $1 AND d.device_id = e.device_id AND d.active
                          AND d.activated_at <= e.recorded_at
            WHERE e.workspace_id = $1 AND e.type = 'TelematicsUpdateAccepted' AND e.recorded_at > $4
        ), reported AS (
            SELECT device_id, min(recorded_at) AS first_at, count(*) AS updates,
                   sum(greatest(least(next_at, recorded_at + ($2 - $4::timestamptz), $3) - greatest(recorded_at, $2), '0')) AS fresh
            FROM updates
            GROUP BY device_id
        ), times AS (
            SELECT greatest('0', $3 - greatest($2, CASE
                       WHEN s.version IS NULL THEN d.activated_at + grace
                       WHEN s.version = r.updates THEN least(r.first_at, d.activated_at + grace)
                       ELSE d.activated_at
                   END)) AS eligible,
                   coalesce(r.fresh, '0') AS fresh
            FROM devices d
            CROSS JOIN (
                SELECT make_interval(mins => no_data_grace_minutes) AS grace FROM workspaces WHERE workspace_id = $1
            ) policy
            LEFT JOIN snapshots s
                   ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            LEFT JOIN reported r ON r.device_id = d.device_id
            WHERE d.workspace_id = $1 AND d.active AND NOT EXISTS (
                SELECT 1 FROM poll_cycle_connections p
                WHERE p.workspace_id = $1 AND p.cycle_id = $5 AND p.provider_id = d.provider_id
                  AND p.error_class = ANY ($6)
            )
        )
        SELECT coalesce(extract(epoch FROM sum(eligible)) * 1000000, 0)::bigint AS "eligible_us!",
               coalesce(extract(epoch FROM sum(fresh)) * 1000000, 0)::bigint AS "fresh_us!"
        FROM times"#,
        workspace_id.as_str(),
        since,
        until,
        since - FRESH_FOR,
        cycle_id,
        &outages,
    )
    .fetch_one(executor)
    .await?)
}
