//! Silent devices of all workspaces, and what their reasons are computed from: a constant number of
//! statements, whatever the number of workspaces. They are among the few reads across workspaces.
//!
//! The rows say what those of one workspace's health say; `application/tests/stories/worklist.rs` holds the
//! two together.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::fleet::{Policy, ProviderType, ReadOwner};
use domain::health::{CutOffs, DeviceFacts, LastPoll, SilencePlace, Thresholds};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use domain::polling::{ConnectionOutcome, ErrorClass};

use crate::bulk::in_bulk;
use crate::{ConnectionPolling, HealthRow, StorageError, Store, decode};

/// Which silent devices are wanted.
#[derive(Clone, Copy, Debug)]
pub struct SilenceQuery<'q> {
    /// Of every pair of thresholds that is in use.
    pub cut_offs: &'q [(Thresholds, CutOffs)],
    /// Silent since this instant or earlier.
    pub silent_since_at_latest: Option<DateTime<Utc>>,
    /// Only devices of a connection of this name, or of this type.
    pub provider: Option<&'q ProviderId>,
    /// Only workspaces whose reads are one of these owners'.
    pub read_owners: &'q [ReadOwner],
    /// Only places after this one.
    pub after: Option<&'q SilencePlace>,
    /// At most so many.
    pub limit: i64,
}

/// The polls of a workspace's connections.
#[derive(Clone, Debug, Default)]
pub struct WorkspacePolling {
    /// Those that were asked for.
    pub connections: Vec<ConnectionPolling>,
    /// When the latest cycle that ran ended.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The thresholds that any device's state follows from, each once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn thresholds(&self) -> Result<Vec<Thresholds>, StorageError> {
        sqlx::query!(
            r#"/* worklist: thresholds in use */
            SELECT DISTINCT w.poll_interval_minutes, w.stale_threshold_minutes, w.no_data_grace_minutes,
                   c.expected_reporting_interval_minutes AS "declared_interval_minutes?"
            FROM workspaces w
            LEFT JOIN provider_connections c ON c.workspace_id = w.workspace_id"#,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let policy = Policy::try_new(
                row.poll_interval_minutes.into(),
                row.stale_threshold_minutes.into(),
                row.no_data_grace_minutes.into(),
            )
            .map_err(|wrong| StorageError::corrupt("policy", wrong))?;
            let declared = row.declared_interval_minutes;
            Ok(Thresholds {
                policy,
                declared_interval_minutes: declared.and_then(|minutes| minutes.try_into().ok()),
            })
        })
        .collect()
    }

    /// Devices beyond their cut-off in the order of their places. One whose thresholds are not among those
    /// given, because they were changed meanwhile, is among the devices: the rule has the last word.
    ///
    /// Reads snapshots once, by as many workers as there are, and looks up what it wants to know of the few
    /// that are old enough, in order, until there are enough. The looseness of the first cut is what keeps
    /// the snapshots without an index that every update would have to change. `OFFSET 0` keeps the planner
    /// from hashing a million devices for the sake of a hundred.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn silent_devices(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<(WorkspaceId, HealthRow)>, StorageError> {
        let loosest = |cut_off: fn(&CutOffs) -> DateTime<Utc>| {
            query.cut_offs.iter().map(|(_, at)| cut_off(at)).max()
        };
        let (Some(stale_before), Some(no_data_before)) = (
            loosest(|at| at.stale_before),
            loosest(|at| at.no_data_before),
        ) else {
            return Ok(Vec::new());
        };
        let columns = CutOffColumns::of(query.cut_offs);
        let owners: Vec<&str> = query
            .read_owners
            .iter()
            .map(|owner| owner.as_str())
            .collect();
        let rows = sqlx::query!(
            r#"/* worklist: silent devices */
            WITH cut_offs AS (
                SELECT * FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[])
                    AS t (poll_interval, stale_threshold, grace, declared_interval, stale_before, no_data_before)
            ),
            silent AS (
                (
                    SELECT s.last_update_received_at AS silent_since,
                           s.workspace_id COLLATE "C" AS workspace_id, s.device_id COLLATE "C" AS device_id,
                           d.activation_id, d.vehicle_id, d.provider_id, d.configured_at, d.activated_at,
                           s.last_update_received_at, s.newest_observed_at
                    FROM (
                        SELECT workspace_id, device_id, activation_id, last_update_received_at, newest_observed_at
                        FROM snapshots
                        WHERE last_update_received_at < $7
                          AND last_update_received_at <= coalesce($9::timestamptz, 'infinity')
                          AND (last_update_received_at, workspace_id COLLATE "C", device_id COLLATE "C")
                              > (coalesce($10::timestamptz, '-infinity'), $11::text COLLATE "C", $12::text COLLATE "C")
                        ORDER BY last_update_received_at, workspace_id COLLATE "C", device_id COLLATE "C"
                        OFFSET 0
                    ) s
                    CROSS JOIN LATERAL (
                        SELECT * FROM devices
                        WHERE workspace_id = s.workspace_id AND device_id = s.device_id
                          AND activation_id = s.activation_id AND active
                        OFFSET 0
                    ) d
                    CROSS JOIN LATERAL (
                        SELECT * FROM workspaces
                        WHERE workspace_id = s.workspace_id AND read_owner = ANY ($13::text[])
                        OFFSET 0
                    ) w
                    LEFT JOIN LATERAL (
                        SELECT * FROM provider_connections
                        WHERE workspace_id = s.workspace_id AND provider_id = d.provider_id
                        OFFSET 0
                    ) c ON true
                    LEFT JOIN LATERAL (
                        SELECT stale_before FROM cut_offs
                        WHERE poll_interval = w.poll_interval_minutes AND stale_threshold = w.stale_threshold_minutes
                          AND grace = w.no_data_grace_minutes
                          AND declared_interval IS NOT DISTINCT FROM c.expected_reporting_interval_minutes
                        LIMIT 1
                    ) cut_off ON true
                    WHERE s.last_update_received_at < coalesce(cut_off.stale_before, 'infinity')
                      AND ($14::text IS NULL OR d.provider_id = $14 OR c.provider_type = $14)
                    ORDER BY 1, 2, 3
                    LIMIT $15
                )
                UNION ALL
                (
                    SELECT d.activated_at, d.workspace_id COLLATE "C", d.device_id COLLATE "C",
                           d.activation_id, d.vehicle_id, d.provider_id, d.configured_at, d.activated_at,
                           NULL, NULL
                    FROM (
                        SELECT * FROM devices
                        WHERE unreported
                          AND activated_at < $8
                          AND activated_at <= coalesce($9::timestamptz, 'infinity')
                          AND (activated_at, workspace_id COLLATE "C", device_id COLLATE "C")
                              > (coalesce($10::timestamptz, '-infinity'), $11::text COLLATE "C", $12::text COLLATE "C")
                        ORDER BY activated_at, workspace_id COLLATE "C", device_id COLLATE "C"
                        OFFSET 0
                    ) d
                    CROSS JOIN LATERAL (
                        SELECT * FROM workspaces
                        WHERE workspace_id = d.workspace_id AND read_owner = ANY ($13::text[])
                        OFFSET 0
                    ) w
                    LEFT JOIN LATERAL (
                        SELECT provider_type FROM provider_connections
                        WHERE workspace_id = d.workspace_id AND provider_id = d.provider_id
                        OFFSET 0
                    ) c ON true
                    LEFT JOIN LATERAL (
                        SELECT no_data_before FROM cut_offs
                        WHERE poll_interval = w.poll_interval_minutes AND stale_threshold = w.stale_threshold_minutes
                          AND grace = w.no_data_grace_minutes
                        LIMIT 1
                    ) cut_off ON true
                    WHERE d.activated_at < coalesce(cut_off.no_data_before, 'infinity')
                      AND ($14::text IS NULL OR d.provider_id = $14 OR c.provider_type = $14)
                      AND NOT EXISTS (
                          SELECT FROM snapshots s
                          WHERE s.workspace_id = d.workspace_id AND s.device_id = d.device_id
                            AND s.activation_id = d.activation_id
                      )
                    ORDER BY 1, 2, 3
                    LIMIT $15
                )
                ORDER BY 1, 2, 3
                LIMIT $15
            )
            SELECT silent.workspace_id AS "workspace_id!", silent.device_id AS "device_id!",
                   vehicle_id AS "vehicle_id!", provider_id AS "provider_id!", configured_at AS "configured_at!",
                   activated_at AS "activated_at!", last_update_received_at AS "last_update_received_at?",
                   newest_observed_at AS "newest_observed_at?",
                   a.device_id IS NOT NULL AS "absent!", a.last_returned_at AS "returned_before_absence_at?"
            FROM silent
            LEFT JOIN LATERAL (
                SELECT * FROM device_absences
                WHERE workspace_id = silent.workspace_id AND device_id = silent.device_id
                  AND activation_id = silent.activation_id
                OFFSET 0
            ) a ON true
            ORDER BY silent_since, silent.workspace_id, silent.device_id"#,
            &columns.poll_interval,
            &columns.stale_threshold,
            &columns.grace,
            columns.declared_interval.as_slice() as &[Option<i32>],
            &columns.stale_before,
            &columns.no_data_before,
            stale_before,
            no_data_before,
            query.silent_since_at_latest,
            query.after.map(|place| place.silent_since),
            query.after.map_or("", |place| place.workspace_id.as_str()),
            query.after.map_or("", |place| place.device_id.as_str()),
            &owners as &[&str],
            query.provider.map(ProviderId::as_str),
            query.limit,
        )
        .fetch_all(&self.pool);
        in_bulk(rows)
            .await?
            .into_iter()
            .map(|row| {
                let workspace_id =
                    decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?;
                let device = HealthRow {
                    device_id: decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
                    vehicle_id: decode::id(VehicleId::try_new, "vehicle_id", &row.vehicle_id)?,
                    provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                    configured_at: row.configured_at,
                    facts: DeviceFacts {
                        activated_at: row.activated_at,
                        last_update_received_at: row.last_update_received_at,
                        newest_observed_at: row.newest_observed_at,
                        declared_interval_minutes: None,
                    },
                    absent: row.absent,
                    returned_before_absence_at: row.returned_before_absence_at,
                };
                Ok((workspace_id, device))
            })
            .collect()
    }

    /// How some connections have been polled lately, workspace by workspace.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn polling_of(
        &self,
        connections: &[(&WorkspaceId, &ProviderId)],
    ) -> Result<HashMap<WorkspaceId, WorkspacePolling>, StorageError> {
        let (workspaces, providers): (Vec<&str>, Vec<&str>) = connections
            .iter()
            .map(|(workspace, provider)| (workspace.as_str(), provider.as_str()))
            .unzip();
        let rows = sqlx::query!(
            r#"/* worklist: connections and their latest polls */
            SELECT c.workspace_id, c.provider_id, c.provider_type, c.enabled,
                   c.expected_reporting_interval_minutes AS declared_interval_minutes,
                   p.started_at AS "started_at?", p.outcome AS "outcome?", p.error_class AS "error_class?",
                   p.rejected_devices AS "rejected_devices?", ok.ended_at AS "last_answer_at?",
                   ran.last_cycle_ended_at AS "last_cycle_ended_at?"
            FROM unnest($1::text[], $2::text[]) AS asked (workspace_id, provider_id)
            JOIN provider_connections c ON c.workspace_id = asked.workspace_id AND c.provider_id = asked.provider_id
            LEFT JOIN LATERAL (
                SELECT max(ended_at) AS last_cycle_ended_at FROM poll_cycles
                WHERE workspace_id = c.workspace_id AND status IN ('completed', 'partial', 'failed')
            ) ran ON true
            LEFT JOIN LATERAL (
                SELECT started_at, outcome, error_class, rejected_devices FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id
                  -- Left alone for what it failed at before: that failure is still the latest news.
                  AND error_class IS DISTINCT FROM 'circuit_open'
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT ended_at FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id AND outcome = 'ok'
                ORDER BY ended_at DESC LIMIT 1
            ) ok ON true"#,
            &workspaces as &[&str],
            &providers as &[&str],
        )
        .fetch_all(&self.pool);
        let mut polling: HashMap<WorkspaceId, WorkspacePolling> = HashMap::new();
        for row in in_bulk(rows).await? {
            let last_poll = match (row.started_at, row.outcome) {
                (Some(started_at), Some(outcome)) => Some(LastPoll {
                    started_at,
                    outcome: decode::word(ConnectionOutcome::parse, "outcome", &outcome)?,
                    error_class: row.error_class.as_deref().and_then(ErrorClass::parse),
                }),
                _ => None,
            };
            let rejected_devices = match row.rejected_devices {
                Some(serde_json::Value::Object(devices)) => {
                    devices.into_iter().map(|(device, _)| device).collect()
                }
                _ => Vec::new(),
            };
            let workspace_id = decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?;
            let of_workspace = polling.entry(workspace_id).or_default();
            of_workspace.last_cycle_ended_at = row.last_cycle_ended_at;
            of_workspace.connections.push(ConnectionPolling {
                provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                provider_type: decode::word(
                    ProviderType::parse,
                    "provider_type",
                    &row.provider_type,
                )?,
                enabled: row.enabled,
                declared_interval_minutes: row
                    .declared_interval_minutes
                    .and_then(|minutes| minutes.try_into().ok()),
                last_poll,
                last_answer_at: row.last_answer_at,
                rejected_devices,
            });
        }
        Ok(polling)
    }
}

/// Cut-offs as the statement takes them.
#[derive(Default)]
struct CutOffColumns {
    poll_interval: Vec<i32>,
    stale_threshold: Vec<i32>,
    grace: Vec<i32>,
    declared_interval: Vec<Option<i32>>,
    stale_before: Vec<DateTime<Utc>>,
    no_data_before: Vec<DateTime<Utc>>,
}

impl CutOffColumns {
    fn of(cut_offs: &[(Thresholds, CutOffs)]) -> Self {
        // Minutes of a policy are far below.
        let int = |minutes: u32| i32::try_from(minutes).unwrap_or(i32::MAX);
        let mut columns = Self::default();
        for (thresholds, at) in cut_offs {
            let policy = thresholds.policy;
            columns
                .poll_interval
                .push(int(policy.poll_interval.minutes()));
            columns
                .stale_threshold
                .push(int(policy.stale_threshold_minutes));
            columns.grace.push(int(policy.no_data_grace_minutes));
            columns
                .declared_interval
                .push(thresholds.declared_interval_minutes.map(int));
            columns.stale_before.push(at.stale_before);
            columns.no_data_before.push(at.no_data_before);
        }
        columns
    }
}
