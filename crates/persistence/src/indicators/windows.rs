//! Loading the facts that a workspace's indicators are computed from.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{WorkspaceId, first_id_at};
use domain::indicators::{FreshTime, SlotOutcome, Window};
use domain::polling::{CycleStatus, CycleTrigger, ErrorClass};

use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, decode};

/// The greatest number of hours between the creation of a cycle's id and the end of its polls. A cycle waits for one
/// interval at most, and is polled within minutes.
const CYCLE_HOURS_AT_MOST: i64 = 24;

/// A slot of a workspace's timetable with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRecord {
    /// The scheduled time of the slot.
    pub slot: DateTime<Utc>,
    /// The outcome; `None` while the outcome is not settled.
    pub outcome: Option<SlotOutcome>,
    /// The time at which the slot's cycle was due and the time at which the cycle was first claimed; `None` for a
    /// recovery cycle and for a cycle that has not started.
    pub started: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// The times of a device's latest update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestUpdate {
    /// The time at which core last accepted an update of the device.
    pub received_at: DateTime<Utc>,
    /// The time of the newest stored observation of the device.
    pub observed_at: DateTime<Utc>,
}

/// The devices that polls expected and the devices that the providers returned, summed over polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolledDevices {
    /// The number of active devices of the polled connections.
    pub expected: i64,
    /// The number of these devices that the providers returned.
    pub returned: i64,
}

/// The sums of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSums {
    /// The window that the sums belong to.
    pub window: Window,
    /// The fresh time that was measured by cycles that ended in the window.
    pub fresh: FreshTime,
    /// The devices of polls that ended in the window.
    pub polled: PolledDevices,
}

impl Store {
    /// Loads a workspace's slots later than `after` and not later than `until`, in no order.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn slot_records(
        &self,
        workspace_id: &WorkspaceId,
        after: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<SlotRecord>, StorageError> {
        let rows = sqlx::query!(
            r#"/* indicators: slots */
            SELECT scheduled_time AS "slot!", trigger, status, missed_at IS NOT NULL AS "missed!", due_at, started_at
            FROM poll_cycles
            WHERE workspace_id = $1 AND scheduled_time > $2 AND scheduled_time <= $3"#,
            workspace_id.as_str(),
            after,
            until,
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| {
                let status = decode::word(CycleStatus::parse, "status", &row.status)?;
                let trigger = decode::word(CycleTrigger::parse, "trigger", &row.trigger)?;
                Ok(SlotRecord {
                    slot: row.slot,
                    outcome: SlotOutcome::of_cycle(status, row.missed),
                    started: row
                        .started_at
                        .filter(|_| trigger == CycleTrigger::Scheduled)
                        .map(|started_at| (row.due_at, started_at)),
                })
            })
            .collect()
    }

    /// Sums up each window of a workspace, in the order of [`Window::ALL`], by two statements.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn window_sums(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<[WindowSums; 3], StorageError> {
        let (fresh, polled) = tokio::try_join!(
            self.fresh_time_by_window(workspace_id, now),
            self.polled_devices_by_window(workspace_id, now),
        )?;
        let ([hour, day, week], [polled_hour, polled_day, polled_week]) = (fresh, polled);
        Ok([
            (Window::Hour, hour, polled_hour),
            (Window::Day, day, polled_day),
            (Window::Week, week, polled_week),
        ]
        .map(|(window, fresh, polled)| WindowSums {
            window,
            fresh,
            polled,
        }))
    }

    /// Sums the fresh time of each window, in the order of [`Window::ALL`].
    async fn fresh_time_by_window(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<[FreshTime; 3], StorageError> {
        let [hour, day, week] =
            [Window::Hour, Window::Day, Window::Week].map(|window| window.start(now));
        let sums = sqlx::query!(
            r#"/* indicators: fresh time by window */
            SELECT coalesce(sum(eligible_us) FILTER (WHERE ended_at > $2), 0)::bigint AS "hour_eligible!",
                   coalesce(sum(fresh_us) FILTER (WHERE ended_at > $2), 0)::bigint AS "hour_fresh!",
                   coalesce(sum(eligible_us) FILTER (WHERE ended_at > $3), 0)::bigint AS "day_eligible!",
                   coalesce(sum(fresh_us) FILTER (WHERE ended_at > $3), 0)::bigint AS "day_fresh!",
                   coalesce(sum(eligible_us), 0)::bigint AS "week_eligible!",
                   coalesce(sum(fresh_us), 0)::bigint AS "week_fresh!"
            FROM poll_cycles
            WHERE workspace_id = $1 AND polled AND ended_at > $4 AND ended_at <= $5"#,
            workspace_id.as_str(),
            hour,
            day,
            week,
            now,
        )
        .fetch_one(&self.pool)
        .await?;
        let windows = [
            (sums.hour_eligible, sums.hour_fresh),
            (sums.day_eligible, sums.day_fresh),
            (sums.week_eligible, sums.week_fresh),
        ];
        Ok(windows.map(|(eligible_us, fresh_us)| FreshTime {
            eligible_us,
            fresh_us,
        }))
    }

    /// Sums the polled devices of each window, in the order of [`Window::ALL`].
    async fn polled_devices_by_window(
        &self,
        workspace_id: &WorkspaceId,
        now: DateTime<Utc>,
    ) -> Result<[PolledDevices; 3], StorageError> {
        let [hour, day, week] =
            [Window::Hour, Window::Day, Window::Week].map(|window| window.start(now));
        let sums = sqlx::query!(
            r#"/* indicators: polled devices by window */
            SELECT coalesce(sum(devices_expected) FILTER (WHERE ended_at > $2), 0) AS "hour_expected!",
                   coalesce(sum(returned) FILTER (WHERE ended_at > $2), 0) AS "hour_returned!",
                   coalesce(sum(devices_expected) FILTER (WHERE ended_at > $3), 0) AS "day_expected!",
                   coalesce(sum(returned) FILTER (WHERE ended_at > $3), 0) AS "day_returned!",
                   coalesce(sum(devices_expected), 0) AS "week_expected!",
                   coalesce(sum(returned), 0) AS "week_returned!"
            FROM poll_cycle_connections
            -- Cycle ids are ordered by their creation time, so this range of the primary key contains the window.
            WHERE workspace_id = $1 AND cycle_id > $6 AND cycle_id < $7 AND ended_at > $4 AND ended_at <= $5
              AND (outcome <> 'skipped' OR error_class = ANY ($8))"#,
            workspace_id.as_str(),
            hour,
            day,
            week,
            now,
            first_id_at(week - TimeDelta::hours(CYCLE_HOURS_AT_MOST)),
            // The clock of the instance that created the id may be ahead.
            first_id_at(now + TimeDelta::hours(1)),
            // A connection that was skipped for an open circuit counts as a failed poll.
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_one(&self.pool)
        .await?;
        let windows = [
            (sums.hour_expected, sums.hour_returned),
            (sums.day_expected, sums.day_returned),
            (sums.week_expected, sums.week_returned),
        ];
        Ok(windows.map(|(expected, returned)| PolledDevices { expected, returned }))
    }

    /// Loads the times of the latest updates of a workspace's active devices, in no order. Devices that have not
    /// reported since their activation are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn latest_updates(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<Vec<LatestUpdate>, StorageError> {
        let rows = sqlx::query_as!(
            LatestUpdate,
            r#"/* indicators: latest updates */
            SELECT s.last_update_received_at AS received_at, s.newest_observed_at AS observed_at
            FROM devices d
            JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            WHERE d.workspace_id = $1 AND d.active"#,
            workspace_id.as_str(),
        )
        .fetch_all(&self.pool);
        Ok(without_row_spans(rows).await?)
    }
}
