//! Slots of the workspaces' timetables: which slots have a record, and the recording of slots that were missed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::fleet::PollOwner;
use domain::ids::{CycleId, WorkspaceId};
use domain::polling::{Cadences, CycleStatus, RecordedSlot, SkipReason, Timetable};

use crate::fleet::cadence;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// A workspace that core polls.
#[derive(Clone, Debug)]
pub struct PolledWorkspace {
    /// The id of the workspace.
    pub id: WorkspaceId,
    /// The timetable, which gives the workspace's slots.
    pub timetable: Timetable,
    /// The time since which core polls the workspace.
    pub polled_since: DateTime<Utc>,
    /// The slots that have a record.
    pub recorded: BTreeSet<DateTime<Utc>>,
}

/// A slot that no trigger came for and that is about to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissedSlot {
    /// The id of the cycle that records the slot.
    pub cycle_id: CycleId,
    /// The scheduled time of the slot.
    pub slot: DateTime<Utc>,
    /// The time at which the slot's cycle was due.
    pub due_at: DateTime<Utc>,
}

impl Store {
    /// Loads a page of the workspaces that core polls, in order of id, each with its recorded slots at or after `from`.
    /// This is one of the few reads across workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn polled_workspaces(
        &self,
        from: DateTime<Utc>,
        after: Option<&WorkspaceId>,
        limit: i64,
    ) -> Result<Vec<PolledWorkspace>, StorageError> {
        let rows = sqlx::query!(
            r#"/* workspaces: polled, with their recorded slots */
            SELECT workspace_id, registration_number, polling_changed_at, poll_interval_minutes, poll_interval_since,
                   previous_poll_interval_minutes, previous_poll_interval_since, ARRAY(
                SELECT scheduled_time FROM poll_cycles c
                WHERE c.workspace_id = w.workspace_id AND scheduled_time >= $1
            ) AS "slots!: Vec<DateTime<Utc>>"
            FROM workspaces w
            WHERE active AND poll_owner = ANY ($4) AND workspace_id > $2
            ORDER BY workspace_id
            LIMIT $3"#,
            from,
            after.map_or("", WorkspaceId::as_str),
            limit,
            &PollOwner::words_where(PollOwner::core_polls) as &[&str],
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let previous = row
                    .previous_poll_interval_minutes
                    .zip(row.previous_poll_interval_since);
                let cadences = Cadences {
                    current: cadence(row.poll_interval_minutes, row.poll_interval_since)?,
                    previous: previous
                        .map(|(minutes, since)| cadence(minutes, since))
                        .transpose()?,
                };
                Ok(PolledWorkspace {
                    id: decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
                    timetable: Timetable::new(cadences, row.registration_number),
                    polled_since: row.polling_changed_at,
                    recorded: row.slots.into_iter().collect(),
                })
            })
            .collect()
    }
}

impl UnitOfWork {
    /// Loads the recorded slots of this workspace at or after `from`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn recorded_slots(
        &mut self,
        from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RecordedSlot>, StorageError> {
        let rows = sqlx::query!(
            r#"/* poll_cycles: recorded slots */
            SELECT scheduled_time AS "slot!",
                   due_at <= $3 AND status = ANY ($4) AS "supersedes!"
            FROM poll_cycles WHERE workspace_id = $1 AND scheduled_time >= $2"#,
            self.workspace_id.as_str(),
            from,
            now,
            &CycleStatus::words_where(CycleStatus::supersedes_older_slots) as &[&str],
        )
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| RecordedSlot {
                slot: row.slot,
                supersedes: row.supersedes,
            })
            .collect())
    }

    /// Records missed slots, counts them, and queues a recovery cycle for the slot `recover`. Returns the slots that
    /// this call recorded, in no order. A slot that already has a record is skipped: another instance recorded the
    /// slot, or its trigger came late.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_missed(
        &mut self,
        missed: &[MissedSlot],
        recover: Option<DateTime<Utc>>,
        trace_id: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, StorageError> {
        let ids: Vec<_> = missed.iter().map(|slot| slot.cycle_id.0).collect();
        let slots: Vec<_> = missed.iter().map(|slot| slot.slot).collect();
        let due: Vec<_> = missed.iter().map(|slot| slot.due_at).collect();
        Ok(sqlx::query_scalar!(
            r#"/* poll_cycles: record missed slots */
            WITH missed AS (
                INSERT INTO poll_cycles (
                    workspace_id, cycle_id, scheduled_time, due_at, trigger, status, triggered_at, ended_at, reason,
                    trace_id, missed_at
                )
                SELECT $1, cycle_id, slot, due_at,
                       CASE WHEN recovered THEN 'recovery' ELSE 'scheduled' END,
                       CASE WHEN recovered THEN 'queued' ELSE 'missed' END,
                       $6::timestamptz, CASE WHEN NOT recovered THEN $6::timestamptz END,
                       CASE WHEN NOT recovered THEN $8::text END, CASE WHEN recovered THEN $7::text END, $6::timestamptz
                FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS found (cycle_id, slot, due_at)
                CROSS JOIN LATERAL (SELECT coalesce(slot = $5, false) AS recovered) AS chosen
                ON CONFLICT (workspace_id, scheduled_time) DO NOTHING
                RETURNING scheduled_time
            ), counted AS (
                INSERT INTO poll_cycle_hours AS kept (workspace_id, hour, outcome, slots)
                SELECT $1, date_trunc('hour', scheduled_time, 'UTC'), 'missed', count(*) FROM missed
                GROUP BY 2, 3 ORDER BY 2, 3
                ON CONFLICT (workspace_id, hour, outcome) DO UPDATE SET slots = kept.slots + excluded.slots
            )
            SELECT scheduled_time AS "slot!" FROM missed"#,
            self.workspace_id.as_str(),
            &ids,
            &slots,
            &due,
            recover,
            now,
            trace_id,
            SkipReason::NoTrigger.as_str(),
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }
}
