//! The time for which a workspace's devices were fresh, from the history of their accepted updates.
//!
//! The domain decides whether a device is fresh at one instant; `application/tests/stories/indicators_history.rs`
//! checks that these sums agree with the sum over all instants.

use chrono::{DateTime, TimeDelta, Utc};
use domain::health::FRESH_FOR;
use domain::ids::{CycleId, WorkspaceId};
use domain::indicators::{FreshTime, Window};
use domain::polling::ErrorClass;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, interval};

/// A span with its measured time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MeasuredSpan {
    /// The beginning of the span.
    pub since: DateTime<Utc>,
    /// The device-time within the span.
    pub time: FreshTime,
}

/// The span that no cycle has measured yet. The span usually begins at the end of the workspace's latest polled cycle.
struct UnmeasuredSpan {
    /// The beginning of the span.
    since: DateTime<Utc>,
    /// The grace period of new devices.
    grace_minutes: i32,
    /// The cycle at whose end the span begins; the nil id if the span begins with no cycle.
    last_cycle_id: Uuid,
}

impl UnitOfWork {
    /// Measures the span from the end of the workspace's latest polled cycle to `now`, which is the end of this cycle.
    pub(crate) async fn fresh_time(
        &mut self,
        cycle_id: CycleId,
        now: DateTime<Utc>,
    ) -> Result<MeasuredSpan, StorageError> {
        let Some(span) = load_unmeasured_span(&mut *self.tx, &self.workspace_id, now).await? else {
            return Ok(MeasuredSpan {
                since: now,
                time: FreshTime::default(),
            });
        };
        let span = UnmeasuredSpan {
            since: span.since.min(now),
            ..span
        };
        let time =
            sum_fresh_time(&mut *self.tx, &self.workspace_id, &span, now, cycle_id.0).await?;
        Ok(MeasuredSpan {
            since: span.since,
            time,
        })
    }
}

impl Store {
    /// Measures the span from the end of the workspace's latest polled cycle to `now`, which no cycle has measured yet.
    /// Returns no time if there is no such workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn fresh_time_since_last_cycle(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<FreshTime, StorageError> {
        match load_unmeasured_span(&self.pool, workspace_id, now).await? {
            Some(span) if span.since < now => {
                sum_fresh_time(&self.pool, workspace_id, &span, now, span.last_cycle_id).await
            }
            _ => Ok(FreshTime::default()),
        }
    }
}

/// Returns the span that begins with the latest polled cycle, with core's polling of the workspace, or with the
/// longest window that anybody asks for.
async fn load_unmeasured_span(
    executor: impl PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Option<UnmeasuredSpan>, StorageError> {
    Ok(sqlx::query_as!(
        UnmeasuredSpan,
        r#"/* freshness: not measured yet */
        SELECT greatest(w.polling_changed_at, $2::timestamptz, last.ended_at) AS "since!",
               w.no_data_grace_minutes AS grace_minutes,
               coalesce(last.cycle_id, $3) AS "last_cycle_id!"
        FROM workspaces w
        LEFT JOIN LATERAL (
            SELECT cycle_id, ended_at FROM poll_cycles
            WHERE workspace_id = $1 AND polled
            ORDER BY ended_at DESC LIMIT 1
        ) last ON true
        WHERE w.workspace_id = $1"#,
        workspace_id.as_str(),
        Window::LONGEST.start(now),
        Uuid::nil(),
    )
    .fetch_optional(executor)
    .await?)
}

/// Sums the times of the workspace's active devices, except those of connections whose provider was down in the cycle.
///
/// A device's first update of its activation is known to be the first if the span, with the updates that its
/// beginning depends on, holds as many as the snapshot has counted.
async fn sum_fresh_time(
    executor: impl PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    span: &UnmeasuredSpan,
    until: DateTime<Utc>,
    cycle_id: Uuid,
) -> Result<FreshTime, StorageError> {
    let grace = TimeDelta::minutes(span.grace_minutes.into());
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
                       WHEN s.version IS NULL THEN d.activated_at + $7
                       WHEN s.version = r.updates THEN least(r.first_at, d.activated_at + $7)
                       ELSE d.activated_at
                   END)) AS eligible,
                   coalesce(r.fresh, '0') AS fresh
            FROM devices d
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
        span.since,
        until,
        span.since - FRESH_FOR,
        cycle_id,
        &ErrorClass::words_where(ErrorClass::is_provider_outage) as &[&str],
        interval(grace.to_std().unwrap_or_default()),
    )
    .fetch_one(executor)
    .await?)
}
