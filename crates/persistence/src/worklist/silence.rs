//! Silent devices of all workspaces, and what their reasons are computed from: a constant number of
//! statements, whatever the number of workspaces. They are among the few reads across workspaces.
//!
//! The rows say what those of one workspace's health say; `application/tests/stories/worklist.rs` holds the
//! two together.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::fleet::{Policy, ReadOwner};
use domain::health::{ActiveDevice, ConnectionPolling, CutOffs, Thresholds, WorklistPosition};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use domain::polling::ErrorClass;

use crate::health::{ConnectionColumns, DeviceColumns};
use crate::postgres::driver::{IdColumn, TimeColumn, without_row_spans};
use crate::postgres::{StorageError, Store, decode};

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
    pub after: Option<&'q WorklistPosition>,
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
    /// The thresholds that any device's state can follow from, each once: every policy in use with every
    /// declared interval in use, and with none. Which of them go together is cheaper not asked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn thresholds(&self) -> Result<Vec<Thresholds>, StorageError> {
        sqlx::query!(
            r#"/* worklist: thresholds in use */
            SELECT policy.poll_interval_minutes, policy.stale_threshold_minutes, policy.no_data_grace_minutes,
                   declared.minutes AS "declared_interval_minutes?"
            FROM (
                SELECT DISTINCT poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes FROM workspaces
            ) policy
            CROSS JOIN (
                SELECT DISTINCT expected_reporting_interval_minutes AS minutes FROM provider_connections
                UNION SELECT NULL
            ) declared"#,
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
    /// Waits while others read as much: the batches of machines find a connection also then.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn silent_devices(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<(WorkspaceId, ActiveDevice)>, StorageError> {
        // Never closed, so always given.
        let _permit = self.long_reads.acquire().await.ok();
        let (stale, never_reported) =
            tokio::try_join!(self.stale_devices(query), self.never_reported(query))?;
        let rows = stale.into_iter().chain(never_reported);
        let mut silent: Vec<(WorkspaceId, ActiveDevice)> = rows.map(Into::into).collect();
        silent.sort_by_cached_key(|(workspace_id, row)| WorklistPosition {
            silent_since: row.facts.silent_since(),
            workspace_id: workspace_id.clone(),
            device_id: row.device_id.clone(),
        });
        silent.truncate(usize::try_from(query.limit).unwrap_or_default());
        Ok(silent)
    }

    /// Reads the snapshots once, by as many workers as there are, and looks up what it wants to know of the
    /// few that are old enough, in order, until there are enough. The looseness of the first cut is what
    /// keeps the snapshots without an index that every update would have to change. `OFFSET 0` keeps the
    /// planner from hashing a million devices for the sake of a hundred.
    async fn stale_devices(&self, query: SilenceQuery<'_>) -> Result<Vec<SilentRow>, StorageError> {
        let Some(loosest) = query.cut_offs.iter().map(|(_, at)| at.stale_before).max() else {
            return Ok(Vec::new());
        };
        let of = |minutes: fn(&Thresholds) -> u32| -> Vec<i32> {
            let minutes = query
                .cut_offs
                .iter()
                .map(|(thresholds, _)| minutes(thresholds));
            minutes.map(int).collect()
        };
        let declared: Vec<Option<i32>> = query
            .cut_offs
            .iter()
            .map(|(thresholds, _)| thresholds.declared_interval_minutes.map(int))
            .collect();
        let stale_before: Vec<_> = query
            .cut_offs
            .iter()
            .map(|(_, at)| at.stale_before)
            .collect();
        let rows = sqlx::query_as!(
            SilentRow,
            r#"/* worklist: stale devices */
            SELECT s.workspace_id AS "workspace_id: IdColumn<WorkspaceId>", s.device_id AS "device_id: IdColumn<DeviceId>",
                   d.vehicle_id AS "vehicle_id: IdColumn<VehicleId>", d.provider_id AS "provider_id: IdColumn<ProviderId>",
                   d.configured_at, d.activated_at,
                   s.last_update_received_at AS "last_update_received_at?", s.newest_observed_at AS "newest_observed_at?",
                   a.device_id IS NOT NULL AS "absent!", a.last_returned_at AS "returned_before_absence_at?"
            FROM (
                SELECT workspace_id, device_id, activation_id, last_update_received_at, newest_observed_at
                FROM snapshots
                WHERE last_update_received_at < $5
                  AND last_update_received_at <= coalesce($6::timestamptz, 'infinity')
                  AND (last_update_received_at, workspace_id COLLATE "C", device_id COLLATE "C")
                      > (coalesce($7::timestamptz, '-infinity'), $8::text COLLATE "C", $9::text COLLATE "C")
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
                WHERE workspace_id = s.workspace_id AND read_owner = ANY ($10::text[])
                OFFSET 0
            ) w
            LEFT JOIN LATERAL (
                SELECT * FROM provider_connections
                WHERE workspace_id = s.workspace_id AND provider_id = d.provider_id
                OFFSET 0
            ) c ON true
            LEFT JOIN LATERAL (
                SELECT stale_before
                FROM unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[])
                    AS t (poll_interval, stale_threshold, declared_interval, stale_before)
                WHERE poll_interval = w.poll_interval_minutes AND stale_threshold = w.stale_threshold_minutes
                  AND declared_interval IS NOT DISTINCT FROM c.expected_reporting_interval_minutes
                LIMIT 1
            ) cut_off ON true
            LEFT JOIN LATERAL (
                SELECT * FROM device_absences
                WHERE workspace_id = s.workspace_id AND device_id = s.device_id AND activation_id = s.activation_id
                OFFSET 0
            ) a ON true
            WHERE s.last_update_received_at < coalesce(cut_off.stale_before, 'infinity')
              AND ($11::text IS NULL OR d.provider_id = $11 OR c.provider_type = $11)
            ORDER BY s.last_update_received_at, s.workspace_id COLLATE "C", s.device_id COLLATE "C"
            LIMIT $12"#,
            &of(|thresholds| thresholds.policy.poll_interval.minutes()),
            &of(|thresholds| thresholds.policy.stale_threshold_minutes),
            &declared as &[Option<i32>],
            &stale_before,
            loosest,
            query.silent_since_at_latest,
            query.after.map(|place| place.silent_since),
            query.after.map_or("", |place| place.workspace_id.as_str()),
            query.after.map_or("", |place| place.device_id.as_str()),
            &query.owners() as &[&str],
            query.provider.map(ProviderId::as_str),
            query.limit,
        )
        .fetch_all(&self.pool);
        Ok(without_row_spans(rows).await?)
    }

    /// Looks at devices of which it is not known that they have reported, and at no other.
    async fn never_reported(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<SilentRow>, StorageError> {
        let Some(loosest) = query.cut_offs.iter().map(|(_, at)| at.no_data_before).max() else {
            return Ok(Vec::new());
        };
        let grace: Vec<i32> = query
            .cut_offs
            .iter()
            .map(|(thresholds, _)| int(thresholds.policy.no_data_grace_minutes))
            .collect();
        let no_data_before: Vec<_> = query
            .cut_offs
            .iter()
            .map(|(_, at)| at.no_data_before)
            .collect();
        let rows = sqlx::query_as!(
            SilentRow,
            r#"/* worklist: devices that never reported */
            SELECT d.workspace_id AS "workspace_id: IdColumn<WorkspaceId>", d.device_id AS "device_id: IdColumn<DeviceId>",
                   d.vehicle_id AS "vehicle_id: IdColumn<VehicleId>", d.provider_id AS "provider_id: IdColumn<ProviderId>",
                   d.configured_at, d.activated_at,
                   NULL::timestamptz AS last_update_received_at, NULL::timestamptz AS newest_observed_at,
                   a.device_id IS NOT NULL AS "absent!", a.last_returned_at AS "returned_before_absence_at?"
            FROM (
                SELECT * FROM devices
                WHERE unreported
                  AND activated_at < $3
                  AND activated_at <= coalesce($4::timestamptz, 'infinity')
                  AND (activated_at, workspace_id COLLATE "C", device_id COLLATE "C")
                      > (coalesce($5::timestamptz, '-infinity'), $6::text COLLATE "C", $7::text COLLATE "C")
                ORDER BY activated_at, workspace_id COLLATE "C", device_id COLLATE "C"
                OFFSET 0
            ) d
            CROSS JOIN LATERAL (
                SELECT * FROM workspaces
                WHERE workspace_id = d.workspace_id AND read_owner = ANY ($8::text[])
                OFFSET 0
            ) w
            LEFT JOIN LATERAL (
                SELECT provider_type FROM provider_connections
                WHERE workspace_id = d.workspace_id AND provider_id = d.provider_id
                OFFSET 0
            ) c ON true
            LEFT JOIN LATERAL (
                SELECT no_data_before FROM unnest($1::int[], $2::timestamptz[]) AS t (grace, no_data_before)
                WHERE grace = w.no_data_grace_minutes
                LIMIT 1
            ) cut_off ON true
            LEFT JOIN LATERAL (
                SELECT * FROM device_absences
                WHERE workspace_id = d.workspace_id AND device_id = d.device_id AND activation_id = d.activation_id
                OFFSET 0
            ) a ON true
            WHERE d.activated_at < coalesce(cut_off.no_data_before, 'infinity')
              AND ($9::text IS NULL OR d.provider_id = $9 OR c.provider_type = $9)
              AND NOT EXISTS (
                  SELECT FROM snapshots s
                  WHERE s.workspace_id = d.workspace_id AND s.device_id = d.device_id AND s.activation_id = d.activation_id
              )
            ORDER BY d.activated_at, d.workspace_id COLLATE "C", d.device_id COLLATE "C"
            LIMIT $10"#,
            &grace,
            &no_data_before,
            loosest,
            query.silent_since_at_latest,
            query.after.map(|place| place.silent_since),
            query.after.map_or("", |place| place.workspace_id.as_str()),
            query.after.map_or("", |place| place.device_id.as_str()),
            &query.owners() as &[&str],
            query.provider.map(ProviderId::as_str),
            query.limit,
        )
        .fetch_all(&self.pool);
        Ok(without_row_spans(rows).await?)
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
                   ok.ended_at AS "last_answer_at?",
                   ran.last_cycle_ended_at AS "last_cycle_ended_at?"
            FROM unnest($1::text[], $2::text[]) AS asked (workspace_id, provider_id)
            JOIN provider_connections c ON c.workspace_id = asked.workspace_id AND c.provider_id = asked.provider_id
            LEFT JOIN LATERAL (
                SELECT max(ended_at) AS last_cycle_ended_at FROM poll_cycles
                WHERE workspace_id = c.workspace_id AND polled
            ) ran ON true
            LEFT JOIN LATERAL (
                SELECT started_at, outcome, error_class FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id
                  AND (error_class = ANY ($3)) IS NOT TRUE
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT ended_at FROM poll_cycle_connections
                WHERE workspace_id = c.workspace_id AND provider_id = c.provider_id AND outcome = 'ok'
                ORDER BY ended_at DESC LIMIT 1
            ) ok ON true"#,
            &workspaces as &[&str],
            &providers as &[&str],
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_all(&self.pool);
        let mut polling: HashMap<WorkspaceId, WorkspacePolling> = HashMap::new();
        for row in without_row_spans(rows).await? {
            let workspace_id = decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?;
            let of_workspace = polling.entry(workspace_id).or_default();
            of_workspace.last_cycle_ended_at = row.last_cycle_ended_at;
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
            of_workspace.connections.push(ConnectionPolling {
                provider_id,
                facts,
                last_answer_at: row.last_answer_at,
            });
        }
        Ok(polling)
    }
}

impl SilenceQuery<'_> {
    fn owners(&self) -> Vec<&'static str> {
        self.read_owners
            .iter()
            .map(|owner| owner.as_str())
            .collect()
    }
}

/// Minutes of a policy are far below the limit.
fn int(minutes: u32) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

/// A silent device.
struct SilentRow {
    workspace_id: IdColumn<WorkspaceId>,
    device_id: IdColumn<DeviceId>,
    vehicle_id: IdColumn<VehicleId>,
    provider_id: IdColumn<ProviderId>,
    configured_at: DateTime<Utc>,
    activated_at: DateTime<Utc>,
    last_update_received_at: Option<DateTime<Utc>>,
    newest_observed_at: Option<DateTime<Utc>>,
    absent: bool,
    returned_before_absence_at: Option<DateTime<Utc>>,
}

impl From<SilentRow> for (WorkspaceId, ActiveDevice) {
    fn from(silent: SilentRow) -> Self {
        let device = DeviceColumns {
            device_id: silent.device_id,
            vehicle_id: silent.vehicle_id,
            provider_id: silent.provider_id,
            configured_at: TimeColumn(silent.configured_at),
            activated_at: TimeColumn(silent.activated_at),
            last_update_received_at: silent.last_update_received_at.map(TimeColumn),
            newest_observed_at: silent.newest_observed_at.map(TimeColumn),
        };
        let row = ActiveDevice {
            absent: silent.absent,
            returned_before_absence_at: silent.returned_before_absence_at,
            ..device.into()
        };
        (silent.workspace_id.0, row)
    }
}
