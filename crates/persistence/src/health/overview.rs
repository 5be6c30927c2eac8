//! Loading the facts that the overview of all workspaces is computed from. Each statement reads all workspaces, except
//! the one for latest cycles, which reads the workspaces of one page.
//!
//! `application/tests/stories/overview.rs` checks that the counts agree with the health of each workspace.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::health::{ConnectionFacts, CutOffs, HealthState, StateCount};
use domain::ids::{CycleId, ProviderId, WorkspaceId};
use domain::indicators::{SlotCounts, SlotOutcome};
use domain::polling::{CycleTrigger, ErrorClass, LatestCycle};

use super::columns::ConnectionColumns;
use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, decode, interval};

/// A connection of any workspace with its latest finished poll.
#[derive(Clone, Debug)]
pub struct PolledConnection {
    /// The workspace of the connection.
    pub workspace_id: WorkspaceId,
    /// The id of the connection.
    pub provider_id: ProviderId,
    /// The facts that the health of its devices depends on.
    pub facts: ConnectionFacts,
}

/// The cut-offs by which the devices of one connection are counted.
#[derive(Clone, Debug)]
pub struct ConnectionCutOffs {
    /// The workspace of the connection.
    pub workspace_id: WorkspaceId,
    /// The id of the connection.
    pub provider_id: ProviderId,
    /// The cut-offs between the states.
    pub cut_offs: CutOffs,
}

/// The devices of a connection or of a workspace, counted by state.
#[derive(Clone, Debug)]
pub struct DevicesByState {
    /// The workspace of the devices.
    pub workspace_id: WorkspaceId,
    /// The connection of the devices; `None` for all devices of the workspace.
    pub provider_id: Option<ProviderId>,
    /// The counts; each of the five states occurs once.
    pub counts: [StateCount; 5],
    /// The 95th percentile of the devices' ages, in seconds, by the nearest rank; `None` if no device has reported.
    pub p95_age_seconds: Option<i64>,
}

impl Store {
    /// Loads every connection of all workspaces with its latest finished poll, in no order.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn all_polled_connections(&self) -> Result<Vec<PolledConnection>, StorageError> {
        let rows = sqlx::query!(
            r#"/* overview: connections with their latest polls */
            SELECT c.workspace_id, c.provider_id, c.provider_type, c.enabled,
                   c.expected_reporting_interval_minutes AS declared_interval_minutes,
                   p.started_at AS "started_at?", p.outcome AS "outcome?", p.error_class
            FROM provider_connections c
            LEFT JOIN LATERAL (
                SELECT started_at, outcome, error_class FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id
                  AND (error_class = ANY ($1)) IS NOT TRUE
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true"#,
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| {
                let workspace_id = workspace_id(&row.workspace_id)?;
                let columns = ConnectionColumns {
                    provider_id: row.provider_id,
                    provider_type: row.provider_type,
                    enabled: row.enabled,
                    declared_interval_minutes: row.declared_interval_minutes,
                    started_at: row.started_at,
                    outcome: row.outcome,
                    error_class: row.error_class,
                };
                let (provider_id, facts) = columns.decode()?;
                Ok(PolledConnection {
                    workspace_id,
                    provider_id,
                    facts,
                })
            })
            .collect()
    }

    /// Loads the end of each workspace's latest polled cycle; workspaces without a polled cycle are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn last_cycle_ends(
        &self,
    ) -> Result<HashMap<WorkspaceId, DateTime<Utc>>, StorageError> {
        let rows = sqlx::query!(
            r#"/* overview: ends of latest cycles */
            SELECT w.workspace_id, last.ended_at AS "ended_at!"
            FROM workspaces w
            CROSS JOIN LATERAL (
                SELECT ended_at FROM poll_cycles
                WHERE workspace_id = w.workspace_id AND polled
                ORDER BY ended_at DESC LIMIT 1
            ) last"#
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| Ok((workspace_id(&row.workspace_id)?, row.ended_at)))
            .collect()
    }

    /// Counts the devices of each connection and of each workspace by state, which follows from the cut-offs of the
    /// device's connection. Connections and workspaces without devices are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn devices_by_state(
        &self,
        connections: &[ConnectionCutOffs],
        now: DateTime<Utc>,
    ) -> Result<Vec<DevicesByState>, StorageError> {
        let text = |of: fn(&ConnectionCutOffs) -> &str| -> Vec<&str> {
            connections.iter().map(of).collect()
        };
        let times = |of: fn(&CutOffs) -> DateTime<Utc>| -> Vec<_> {
            let cut_offs = connections.iter().map(|connection| &connection.cut_offs);
            cut_offs.map(of).collect()
        };
        let lags: Vec<_> = connections
            .iter()
            .map(|connection| connection.cut_offs.delayed_by_lag_above)
            // The conversion fails for a negative duration only, and a threshold is above zero.
            .map(|lag| interval(lag.to_std().unwrap_or_default()))
            .collect();
        let rows = sqlx::query_as!(
            StateCountColumns,
            r#"/* overview: devices by state */
            WITH devices_now AS (
                SELECT d.workspace_id, d.provider_id, s.last_update_received_at AS received_at,
                       CASE
                           WHEN s.last_update_received_at IS NULL AND d.activated_at < c.no_data_before THEN 'no_data'
                           WHEN s.last_update_received_at IS NULL THEN 'awaiting'
                           WHEN s.last_update_received_at < c.stale_before THEN 'stale'
                           WHEN s.last_update_received_at < c.delayed_before
                             OR s.last_update_received_at - s.newest_observed_at > c.delayed_by_lag_above THEN 'delayed'
                           ELSE 'healthy'
                       END AS state,
                       s.last_update_received_at >= c.fresh_from AS fresh
                FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                            $6::interval[], $7::timestamptz[])
                  AS c (workspace_id, provider_id, no_data_before, stale_before, delayed_before, delayed_by_lag_above,
                        fresh_from)
                JOIN devices d ON d.workspace_id = c.workspace_id AND d.provider_id = c.provider_id AND d.active
                LEFT JOIN snapshots s
                       ON s.workspace_id = d.workspace_id AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            )
            SELECT workspace_id AS "workspace_id!", provider_id AS "provider_id?",
                   count(*) FILTER (WHERE state = 'healthy') AS "healthy!",
                   count(*) FILTER (WHERE state = 'healthy' AND fresh) AS "fresh_healthy!",
                   count(*) FILTER (WHERE state = 'delayed') AS "delayed!",
                   count(*) FILTER (WHERE state = 'delayed' AND fresh) AS "fresh_delayed!",
                   count(*) FILTER (WHERE state = 'awaiting') AS "awaiting!",
                   count(*) FILTER (WHERE state = 'stale') AS "stale!",
                   count(*) FILTER (WHERE state = 'stale' AND fresh) AS "fresh_stale!",
                   count(*) FILTER (WHERE state = 'no_data') AS "no_data!",
                   -- The oldest time is the greatest age, so the times are ranked in descending order.
                   floor(extract(epoch FROM $8::timestamptz
                       - percentile_disc(0.95) WITHIN GROUP (ORDER BY received_at DESC)))::bigint AS p95_age_seconds
            FROM devices_now
            GROUP BY GROUPING SETS ((workspace_id, provider_id), (workspace_id))"#,
            &text(|connection| connection.workspace_id.as_str()) as &[&str],
            &text(|connection| connection.provider_id.as_str()) as &[&str],
            &times(|cut_offs| cut_offs.no_data_before),
            &times(|cut_offs| cut_offs.stale_before),
            &times(|cut_offs| cut_offs.delayed_before),
            &lags,
            &times(|cut_offs| cut_offs.fresh_from),
            now,
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(DevicesByState::try_from)
            .collect()
    }

    /// Counts the slots of each workspace by outcome, for the hours from `first_hour` to `last_hour`, both included.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn slots_by_hour(
        &self,
        first_hour: DateTime<Utc>,
        last_hour: DateTime<Utc>,
    ) -> Result<HashMap<WorkspaceId, SlotCounts>, StorageError> {
        let rows = sqlx::query!(
            r#"/* overview: slots of some hours */
            SELECT w.workspace_id, hours.outcome AS "outcome!", hours.slots AS "slots!"
            FROM workspaces w
            CROSS JOIN LATERAL (
                SELECT outcome, sum(slots) AS slots FROM poll_cycle_hours
                WHERE workspace_id = w.workspace_id AND hour >= $1 AND hour <= $2
                GROUP BY outcome
            ) hours"#,
            first_hour,
            last_hour,
        )
        .fetch_all(&self.pool);
        let mut counts: HashMap<WorkspaceId, SlotCounts> = HashMap::new();
        for row in without_row_spans(rows).await? {
            let outcome = decode::word(SlotOutcome::parse, "outcome", &row.outcome)?;
            let of_workspace = counts.entry(workspace_id(&row.workspace_id)?).or_default();
            of_workspace.add(outcome, count(row.slots));
        }
        Ok(counts)
    }

    /// Loads the newest cycle of each of the given workspaces; workspaces without a cycle are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn latest_cycles(
        &self,
        workspaces: impl IntoIterator<Item = &WorkspaceId>,
    ) -> Result<HashMap<WorkspaceId, LatestCycle>, StorageError> {
        let ids: Vec<&str> = workspaces.into_iter().map(WorkspaceId::as_str).collect();
        sqlx::query!(
            r#"/* overview: latest cycles of some workspaces */
            SELECT page.workspace_id AS "workspace_id!", latest.cycle_id AS "cycle_id!", latest.trigger AS "trigger!",
                   latest.status AS "status!", latest.scheduled_time, latest.started_at, latest.ended_at
            FROM unnest($1::text[]) AS page (workspace_id)
            CROSS JOIN LATERAL (
                SELECT cycle_id, trigger, status, scheduled_time, started_at, ended_at FROM poll_cycles
                WHERE workspace_id = page.workspace_id
                ORDER BY cycle_id DESC LIMIT 1
            ) latest"#,
            &ids as &[&str],
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let latest = LatestCycle {
                cycle_id: CycleId(row.cycle_id),
                trigger: decode::word(CycleTrigger::parse, "trigger", &row.trigger)?,
                status: row.status,
                scheduled_time: row.scheduled_time,
                started_at: row.started_at,
                ended_at: row.ended_at,
            };
            Ok((workspace_id(&row.workspace_id)?, latest))
        })
        .collect()
    }
}

/// The columns of [`DevicesByState`].
struct StateCountColumns {
    workspace_id: String,
    provider_id: Option<String>,
    healthy: i64,
    fresh_healthy: i64,
    delayed: i64,
    fresh_delayed: i64,
    awaiting: i64,
    stale: i64,
    fresh_stale: i64,
    no_data: i64,
    p95_age_seconds: Option<i64>,
}

impl TryFrom<StateCountColumns> for DevicesByState {
    type Error = StorageError;

    fn try_from(columns: StateCountColumns) -> Result<Self, StorageError> {
        let counted = |state, devices, fresh| StateCount {
            state,
            devices: count(devices),
            fresh: count(fresh),
        };
        let provider_id = columns.provider_id.as_deref();
        Ok(Self {
            workspace_id: workspace_id(&columns.workspace_id)?,
            provider_id: provider_id
                .map(|id| decode::id(ProviderId::try_new, "provider_id", id))
                .transpose()?,
            counts: [
                counted(HealthState::Healthy, columns.healthy, columns.fresh_healthy),
                counted(HealthState::Delayed, columns.delayed, columns.fresh_delayed),
                counted(HealthState::AwaitingFirstData, columns.awaiting, 0),
                counted(HealthState::Stale, columns.stale, columns.fresh_stale),
                counted(HealthState::ConfiguredNoData, columns.no_data, 0),
            ],
            p95_age_seconds: columns.p95_age_seconds.map(|age| age.max(0)),
        })
    }
}

/// Parses the id of a workspace from its column.
fn workspace_id(text: &str) -> Result<WorkspaceId, StorageError> {
    decode::id(WorkspaceId::try_new, "workspace_id", text)
}

/// Converts a count of rows; counts of devices and slots are far below the limit.
fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
