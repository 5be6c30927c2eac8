//! Records of poll cycles: a trigger is recorded once for each slot, and each connection's poll has a report.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, DeviceId, ProviderId, WorkspaceId};
use domain::polling::{
    ConnectionOutcome, ConnectionReport, CycleStatus, CycleTrigger, ErrorClass, PollCycle,
    PollError, RecordedPoll, StreamReport,
};
use sqlx::types::Json;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The number of attempts to record a trigger; the first one is nearly always enough.
const TRIES_TO_RECORD: u32 = 10;

/// The greatest number of missing devices that a row names. Readers compute their count as expected less returned.
const MISSING_AT_MOST: usize = 1_000;

/// The cycle that a trigger asks for, before it is recorded.
#[derive(Clone, Debug)]
pub struct NewCycle<'a> {
    /// The new cycle's id, a `UUIDv7`.
    pub cycle_id: CycleId,
    /// The kind of trigger.
    pub trigger: CycleTrigger,
    /// The first status of the cycle: queued, or a final status if the trigger is refused.
    pub status: CycleStatus,
    /// The reason of a refusal; `None` for a queued cycle.
    pub reason: Option<&'static str>,
    /// The scheduled time of the slot; `None` for a manual cycle.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// The time at which the cycle is to run.
    pub due_at: DateTime<Utc>,
    /// The W3C trace id of the trigger.
    pub trace_id: Option<&'a str>,
    /// The schedule ARN, execution id and attempt that EventBridge sent.
    pub fired_by: [Option<&'a str>; 3],
}

/// The record of a trigger's cycle, either new or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedTrigger {
    /// The id of the recorded cycle.
    pub cycle_id: CycleId,
    /// The current status of the cycle.
    pub status: CycleStatus,
    /// The time at which the cycle is or was due.
    pub due_at: DateTime<Utc>,
    /// Whether the record existed before the trigger.
    pub duplicate: bool,
}

impl UnitOfWork {
    /// Records the cycle of a trigger. If its slot has a record already, or a manual cycle is queued already, then
    /// returns that record instead.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_trigger(
        &mut self,
        cycle: &NewCycle<'_>,
        now: DateTime<Utc>,
    ) -> Result<RecordedTrigger, StorageError> {
        // A worker may claim the queued manual cycle between the insert and the read; then the new cycle can be
        // inserted at the next attempt.
        for _ in 0..TRIES_TO_RECORD {
            if self.insert_cycle(cycle, now).await? {
                return Ok(RecordedTrigger {
                    cycle_id: cycle.cycle_id,
                    status: cycle.status,
                    due_at: cycle.due_at,
                    duplicate: false,
                });
            }
            if let Some(found) = self.recorded_trigger(cycle.scheduled_time).await? {
                return Ok(found);
            }
        }
        Err(StorageError::Defect(format!(
            "the trigger of workspace {}, slot {:?}, conflicted {TRIES_TO_RECORD} times with a cycle that was not found",
            self.workspace_id, cycle.scheduled_time,
        )))
    }

    /// Inserts a cycle. Returns `false` if its slot has a record, or if a manual cycle is queued. A slot whose trigger
    /// is refused ends at once, so the same statement counts the slot.
    async fn insert_cycle(
        &mut self,
        cycle: &NewCycle<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let [schedule_arn, execution_id, attempt] = cycle.fired_by;
        let inserted = sqlx::query_scalar!(
            r#"/* poll_cycles: record a trigger */
            WITH recorded AS (
                INSERT INTO poll_cycles (
                    workspace_id, cycle_id, trigger, status, scheduled_time, due_at, triggered_at, ended_at, reason,
                    trace_id, schedule_arn, execution_id, attempt
                )
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                ON CONFLICT DO NOTHING
                RETURNING status, scheduled_time, ended_at
            ), counted AS (
                INSERT INTO poll_cycle_hours AS kept (workspace_id, hour, outcome, slots)
                SELECT $1, date_trunc('hour', scheduled_time, 'UTC'), status, count(*) FROM recorded
                WHERE scheduled_time IS NOT NULL AND ended_at IS NOT NULL
                GROUP BY 2, 3 ORDER BY 2, 3
                ON CONFLICT (workspace_id, hour, outcome) DO UPDATE SET slots = kept.slots + excluded.slots
            )
            SELECT count(*) AS "recorded!" FROM recorded"#,
            self.workspace_id.as_str(),
            cycle.cycle_id.0,
            cycle.trigger.as_str(),
            cycle.status.as_str(),
            cycle.scheduled_time,
            cycle.due_at,
            now,
            cycle.status.is_terminal().then_some(now),
            cycle.reason,
            cycle.trace_id,
            schedule_arn,
            execution_id,
            attempt,
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(inserted == 1)
    }

    /// Loads the record of a slot, or the queued manual cycle if `slot` is `None`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn recorded_trigger(
        &mut self,
        slot: Option<DateTime<Utc>>,
    ) -> Result<Option<RecordedTrigger>, StorageError> {
        sqlx::query!(
            r#"/* poll_cycles: the record of a slot, or the manual cycle that waits */
            SELECT cycle_id, status, due_at FROM poll_cycles
            WHERE workspace_id = $1
              AND ((scheduled_time = $2) OR ($2 IS NULL AND status = 'queued' AND trigger = 'manual'))"#,
            self.workspace_id.as_str(),
            slot,
        )
        .fetch_optional(&mut *self.tx)
        .await?
        .map(|row| {
            Ok(RecordedTrigger {
                cycle_id: CycleId(row.cycle_id),
                status: decode::word(CycleStatus::parse, "status", &row.status)?,
                due_at: row.due_at,
                duplicate: true,
            })
        })
        .transpose()
    }

    /// Records the report of a connection's poll, and the absences of devices that a successful answer lacked.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_connection(
        &mut self,
        cycle_id: CycleId,
        report: &ConnectionReport,
        started_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let missing: Vec<String> = report
            .missing
            .iter()
            .map(|id| id.as_str().to_owned())
            .collect();
        sqlx::query!(
            r#"/* poll_cycle_connections: record */
            INSERT INTO poll_cycle_connections (
                workspace_id, cycle_id, provider_id, outcome, error_class, error_detail, devices_expected, returned,
                missing, unchanged, accepted, duplicate, stale, rejected, rejected_devices, attempts, duration_ms,
                started_at, ended_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"#,
            self.workspace_id.as_str(),
            cycle_id.0,
            report.provider_id.as_str(),
            report.outcome.as_str(),
            report.error.as_ref().map(|error| error.class.as_str()),
            report.error.as_ref().map(|error| error.detail.as_str()),
            count_to_column(report.devices_expected),
            count_to_column(report.returned),
            &missing[..missing.len().min(MISSING_AT_MOST)],
            count_to_column(report.unchanged),
            count_to_column(report.accepted),
            count_to_column(report.duplicate),
            count_to_column(report.stale),
            serde_json::json!(report.rejected),
            serde_json::json!(report.rejected_devices),
            count_to_column(report.attempts),
            count_to_column(report.duration_ms),
            started_at,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        if report.outcome.has_answered() {
            self.record_absences(&report.provider_id, &missing, started_at, now)
                .await?;
        }
        Ok(())
    }

    /// Updates the absences of a connection's devices to match its latest answer, and writes changes only. A device
    /// that was activated after the poll began is not absent, because the provider was not asked for the device.
    async fn record_absences(
        &mut self,
        provider_id: &ProviderId,
        missing: &[String],
        asked_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* device_absences: keep in step with an answer */
            WITH before AS (
                SELECT max(ended_at) AS answered_at FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = $2 AND outcome = 'ok' AND ended_at < $5
            ), back AS (
                DELETE FROM device_absences a USING devices d
                WHERE a.workspace_id = $1 AND d.workspace_id = $1 AND d.device_id = a.device_id
                  AND d.provider_id = $2 AND NOT a.device_id = ANY ($3)
            )
            INSERT INTO device_absences (workspace_id, device_id, activation_id, missing_since, last_returned_at)
            SELECT $1, d.device_id, d.activation_id, $5, CASE WHEN before.answered_at >= d.activated_at THEN before.answered_at END
            FROM devices d CROSS JOIN before
            WHERE d.workspace_id = $1 AND d.provider_id = $2 AND d.active AND d.device_id = ANY ($3) AND d.activated_at <= $4
            ON CONFLICT (workspace_id, device_id) DO NOTHING"#,
            self.workspace_id.as_str(),
            provider_id.as_str(),
            missing,
            asked_at,
            now,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Loads the outcomes of a cycle's connections that are recorded already. An earlier lease of the cycle recorded
    /// them before it was lost.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn recorded_outcomes(
        &mut self,
        cycle_id: CycleId,
    ) -> Result<HashMap<ProviderId, ConnectionOutcome>, StorageError> {
        sqlx::query!(
            r#"/* poll_cycle_connections: outcomes of a cycle */
            SELECT provider_id, outcome FROM poll_cycle_connections WHERE workspace_id = $1 AND cycle_id = $2"#,
            self.workspace_id.as_str(),
            cycle_id.0,
        )
        .fetch_all(&mut *self.tx)
        .await?
        .into_iter()
        .map(|row| {
            Ok((
                decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                decode::word(ConnectionOutcome::parse, "outcome", &row.outcome)?,
            ))
        })
        .collect()
    }
}

impl Store {
    /// Loads cycles of a workspace, newest first: only the cycle `only` or the cycles before `before`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn poll_cycles(
        &self,
        workspace_id: &WorkspaceId,
        only: Option<CycleId>,
        before: Option<CycleId>,
        limit: i64,
    ) -> Result<Vec<PollCycle>, StorageError> {
        let (first, last) = only.map_or((Uuid::nil(), Uuid::max()), |id| (id.0, id.0));
        let rows = sqlx::query!(
            r#"/* poll_cycles: page */
            SELECT cycle_id, trigger, status, scheduled_time, due_at, triggered_at, started_at, ended_at, reason, trace_id,
                   missed_at, streams AS "streams: Json<Vec<StreamReport>>",
                   CASE WHEN claimed_at = '{}' THEN array_remove(ARRAY[started_at], NULL) ELSE claimed_at END AS "claimed_at!"
            FROM poll_cycles
            WHERE workspace_id = $1 AND cycle_id BETWEEN $2 AND $3 AND cycle_id < $4
            ORDER BY cycle_id DESC
            LIMIT $5"#,
            workspace_id.as_str(),
            first,
            last,
            before.map_or(Uuid::max(), |id| id.0),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.cycle_id).collect();
        let mut polls = self.recorded_polls(workspace_id, &ids).await?;
        rows.into_iter()
            .map(|row| {
                Ok(PollCycle {
                    cycle_id: CycleId(row.cycle_id),
                    trigger: decode::word(CycleTrigger::parse, "trigger", &row.trigger)?,
                    status: row.status,
                    scheduled_time: row.scheduled_time,
                    due_at: row.due_at,
                    triggered_at: row.triggered_at,
                    started_at: row.started_at,
                    ended_at: row.ended_at,
                    reason: row.reason,
                    trace_id: row.trace_id,
                    missed_at: row.missed_at,
                    // A cycle that has polled no connection yet has no entry in the map.
                    polls: polls.remove(&row.cycle_id).unwrap_or_default(),
                    streams: row.streams.0,
                    claimed_at: row.claimed_at,
                })
            })
            .collect()
    }

    /// Loads the connections' reports of the given cycles, by cycle.
    async fn recorded_polls(
        &self,
        workspace_id: &WorkspaceId,
        cycle_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<RecordedPoll>>, StorageError> {
        let rows = sqlx::query!(
            r#"/* poll_cycle_connections: of some cycles */
            SELECT cycle_id, provider_id, outcome, error_class, error_detail, devices_expected, returned, missing,
                   unchanged, accepted, duplicate, stale, rejected, rejected_devices, attempts, duration_ms, ended_at
            FROM poll_cycle_connections
            WHERE workspace_id = $1 AND cycle_id = ANY ($2)
            ORDER BY cycle_id, provider_id"#,
            workspace_id.as_str(),
            cycle_ids,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut polls: HashMap<Uuid, Vec<RecordedPoll>> = HashMap::new();
        for row in rows {
            let error = match (row.error_class, row.error_detail) {
                (Some(class), Some(detail)) => Some(PollError {
                    class: decode::word(ErrorClass::parse, "error_class", &class)?,
                    detail,
                }),
                _ => None,
            };
            let report = ConnectionReport {
                provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                outcome: decode::word(ConnectionOutcome::parse, "outcome", &row.outcome)?,
                error,
                devices_expected: count_from_column(row.devices_expected),
                returned: count_from_column(row.returned),
                missing: row
                    .missing
                    .iter()
                    .map(|id| decode::id(DeviceId::try_new, "missing", id))
                    .collect::<Result<_, _>>()?,
                unchanged: count_from_column(row.unchanged),
                accepted: count_from_column(row.accepted),
                duplicate: count_from_column(row.duplicate),
                stale: count_from_column(row.stale),
                rejected: decode::json::<BTreeMap<String, u32>>("rejected", row.rejected)?,
                rejected_devices: decode::json("rejected_devices", row.rejected_devices)?,
                attempts: count_from_column(row.attempts),
                duration_ms: count_from_column(row.duration_ms),
            };
            polls.entry(row.cycle_id).or_default().push(RecordedPoll {
                report,
                ended_at: row.ended_at,
            });
        }
        Ok(polls)
    }
}

/// Converts a count to its column's type; counts of one cycle are far below the limit.
fn count_to_column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Converts a column to a count; counts are never negative.
fn count_from_column(column: i32) -> u32 {
    u32::try_from(column).unwrap_or(0)
}
