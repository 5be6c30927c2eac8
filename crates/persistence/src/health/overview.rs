//! What a look over all workspaces is computed from: each statement reads them all, but for the last.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::ProviderType;
use domain::health::{HealthState, LastPoll};
use domain::ids::{CycleId, ProviderId, WorkspaceId};
use domain::indicators::{SlotCounts, SlotOutcome};
use domain::polling::Trigger;

use super::columns::{PollColumns, declared_interval};
use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, decode, interval};

/// A connection and its latest finished poll.
#[derive(Clone, Debug)]
pub struct PolledConnection {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which.
    pub provider_id: ProviderId,
    /// Its protocol.
    pub provider_type: ProviderType,
    /// Whether it is switched on.
    pub enabled: bool,
    /// The reporting interval that it declares.
    pub declared_interval_minutes: Option<u32>,
    /// Its latest finished poll, unless it was left alone then.
    pub last_poll: Option<LastPoll>,
}

/// The instants and the lag by which a connection's devices are told apart, as their health has it.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which connection's.
    pub provider_id: ProviderId,
    /// A device that never reported awaits its first data if it was activated here or later.
    pub grace_from: DateTime<Utc>,
    /// A device is stale whose latest update came before.
    pub stale_before: DateTime<Utc>,
    /// It is delayed if that came before this.
    pub delayed_before: DateTime<Utc>,
    /// It is delayed too if its readings come later than this.
    pub lag_above: TimeDelta,
    /// It is within five minutes if its latest update came here or later.
    pub within_from: DateTime<Utc>,
}

/// Devices of a connection, or of a workspace.
#[derive(Clone, Debug)]
pub struct DevicesByState {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Which connection's; none for all of the workspace's.
    pub provider_id: Option<ProviderId>,
    /// How many are in each state.
    pub counts: [(HealthState, u32); 5],
    /// Within five minutes.
    pub within_5_minutes: u32,
    /// Those of them that are healthy.
    pub healthy_within_5_minutes: u32,
    /// The nearest rank of 95 in a hundred ages, in seconds.
    pub p95_age_seconds: Option<i64>,
}

/// The newest record of a workspace's cycles.
#[derive(Clone, Debug)]
pub struct LatestCycle {
    /// Which.
    pub cycle_id: CycleId,
    /// What set it off.
    pub trigger: Trigger,
    /// How far it has come.
    pub status: String,
    /// The slot, unless manual.
    pub scheduled_time: Option<DateTime<Utc>>,
    /// When an instance took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Store {
    /// Every connection with its latest finished poll.
    ///
    /// # Errors
    /// When the store fails.
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
                  AND error_class IS DISTINCT FROM 'circuit_open'
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true"#
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| {
                let last_poll = PollColumns {
                    started_at: row.started_at,
                    outcome: row.outcome,
                    error_class: row.error_class,
                };
                Ok(PolledConnection {
                    workspace_id: workspace_id(&row.workspace_id)?,
                    provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                    provider_type: decode::word(
                        ProviderType::parse,
                        "provider_type",
                        &row.provider_type,
                    )?,
                    enabled: row.enabled,
                    declared_interval_minutes: declared_interval(row.declared_interval_minutes),
                    last_poll: last_poll.read()?,
                })
            })
            .collect()
    }

    /// When each workspace's latest cycle that ran ended, where one has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_cycle_ends(
        &self,
    ) -> Result<HashMap<WorkspaceId, DateTime<Utc>>, StorageError> {
        let rows = sqlx::query!(
            r#"/* overview: ends of latest cycles */
            SELECT w.workspace_id, last.ended_at AS "ended_at!"
            FROM workspaces w
            CROSS JOIN LATERAL (
                SELECT ended_at FROM poll_cycles
                WHERE workspace_id = w.workspace_id AND status IN ('completed', 'partial', 'failed')
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

    /// How many devices of each connection and of each workspace are in which state, by the cuts of their
    /// connections. Those that have none are not there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn devices_by_state(
        &self,
        cuts: &[Cuts],
        now: DateTime<Utc>,
    ) -> Result<Vec<DevicesByState>, StorageError> {
        let text = |of: fn(&Cuts) -> &str| -> Vec<&str> { cuts.iter().map(of).collect() };
        let times = |of: fn(&Cuts) -> DateTime<Utc>| -> Vec<_> { cuts.iter().map(of).collect() };
        // A threshold, and so above zero.
        let lags: Vec<_> = cuts
            .iter()
            .map(|cuts| interval(cuts.lag_above.to_std().unwrap_or_default()))
            .collect();
        let rows = sqlx::query!(
            r#"/* overview: devices by state */
            WITH devices_now AS (
                SELECT d.workspace_id, d.provider_id, s.last_update_received_at AS received_at,
                       CASE
                           WHEN s.last_update_received_at IS NULL AND d.activated_at < c.grace_from THEN 'configured-no-data'
                           WHEN s.last_update_received_at IS NULL THEN 'awaiting-first-data'
                           WHEN s.last_update_received_at < c.stale_before THEN 'stale'
                           WHEN s.last_update_received_at < c.delayed_before
                             OR s.last_update_received_at - s.newest_observed_at > c.lag_above THEN 'delayed'
                           ELSE 'healthy'
                       END AS state,
                       coalesce(s.last_update_received_at >= c.within_from, false) AS within
                FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                            $6::interval[], $7::timestamptz[])
                  AS c (workspace_id, provider_id, grace_from, stale_before, delayed_before, lag_above, within_from)
                JOIN devices d ON d.workspace_id = c.workspace_id AND d.provider_id = c.provider_id AND d.active
                LEFT JOIN snapshots s
                       ON s.workspace_id = d.workspace_id AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            )
            SELECT workspace_id AS "workspace_id!", provider_id AS "provider_id?",
                   count(*) FILTER (WHERE state = 'healthy') AS "healthy!",
                   count(*) FILTER (WHERE state = 'delayed') AS "delayed!",
                   count(*) FILTER (WHERE state = 'awaiting-first-data') AS "awaiting!",
                   count(*) FILTER (WHERE state = 'stale') AS "stale!",
                   count(*) FILTER (WHERE state = 'configured-no-data') AS "no_data!",
                   count(*) FILTER (WHERE within) AS "within!",
                   count(*) FILTER (WHERE within AND state = 'healthy') AS "healthy_within!",
                   -- The oldest have the greatest age, so the rank is taken from the other end.
                   floor(extract(epoch FROM $8::timestamptz
                       - percentile_disc(0.95) WITHIN GROUP (ORDER BY received_at DESC)))::bigint AS p95_age_seconds
            FROM devices_now
            GROUP BY GROUPING SETS ((workspace_id, provider_id), (workspace_id))"#,
            &text(|cuts| cuts.workspace_id.as_str()) as &[&str],
            &text(|cuts| cuts.provider_id.as_str()) as &[&str],
            &times(|cuts| cuts.grace_from),
            &times(|cuts| cuts.stale_before),
            &times(|cuts| cuts.delayed_before),
            &lags,
            &times(|cuts| cuts.within_from),
            now,
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| {
                Ok(DevicesByState {
                    workspace_id: workspace_id(&row.workspace_id)?,
                    provider_id: row
                        .provider_id
                        .map(|id| decode::id(ProviderId::try_new, "provider_id", &id))
                        .transpose()?,
                    counts: [
                        (HealthState::Healthy, count(row.healthy)),
                        (HealthState::Delayed, count(row.delayed)),
                        (HealthState::AwaitingFirstData, count(row.awaiting)),
                        (HealthState::Stale, count(row.stale)),
                        (HealthState::ConfiguredNoData, count(row.no_data)),
                    ],
                    within_5_minutes: count(row.within),
                    healthy_within_5_minutes: count(row.healthy_within),
                    p95_age_seconds: row.p95_age_seconds.map(|age| age.max(0)),
                })
            })
            .collect()
    }

    /// How the slots of each workspace ended, of the hours from one to another, both among them.
    ///
    /// # Errors
    /// When the store fails.
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

    /// The newest cycle of each of some workspaces, where there is one.
    ///
    /// # Errors
    /// When the store fails.
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
                trigger: decode::word(Trigger::parse, "trigger", &row.trigger)?,
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

fn workspace_id(text: &str) -> Result<WorkspaceId, StorageError> {
    decode::id(WorkspaceId::try_new, "workspace_id", text)
}

/// Devices and slots are far fewer.
fn count(rows: i64) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
