//! Loading the silent devices of all workspaces, and the facts that their reasons are computed from. The number of
//! statements does not depend on the number of workspaces. They are among the few reads across workspaces.
//!
//! `application/tests/stories/worklist.rs` checks that these devices agree with the health of each workspace.

use chrono::{DateTime, Utc};
use domain::fleet::{Policy, ReadOwner};
use domain::health::{ActiveDevice, CutOffs, Thresholds, WorklistPosition};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};

use crate::health::DeviceColumns;
use crate::postgres::driver::{IdColumn, TimeColumn, without_row_spans};
use crate::postgres::{StorageError, Store};

/// A filter and a page of silent devices.
#[derive(Clone, Copy, Debug)]
pub struct SilenceQuery<'q> {
    /// The cut-offs of every combination of thresholds in use.
    pub cut_offs: &'q [(Thresholds, CutOffs)],
    /// Selects devices that have been silent since this instant or earlier; `None` selects all.
    pub silent_since_at_latest: Option<DateTime<Utc>>,
    /// Selects devices of connections with this id or this provider type; `None` selects all.
    pub provider: Option<&'q ProviderId>,
    /// Selects workspaces whose read owner is one of these.
    pub read_owners: &'q [ReadOwner],
    /// The position after which the page begins; `None` for the first page.
    pub after: Option<&'q WorklistPosition>,
    /// The greatest number of devices on the page.
    pub limit: i64,
}

impl Store {
    /// Loads the combinations of thresholds that a device's state can depend on, each once: every policy in use with
    /// every declared interval in use, and with none. Some combinations belong to no device; a statement that leaves
    /// them out would cost more than they do.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Loads the devices beyond their cut-off, in the order of their positions on the worklist. A device whose
    /// thresholds are not among the given ones, because they were changed since, is included: the caller applies the
    /// domain's rule to every device.
    ///
    /// The call waits while too many such reads are running, so that writing batches still get a database connection.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn silent_devices(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<(WorkspaceId, ActiveDevice)>, StorageError> {
        // The semaphore is never closed, so a permit is always granted.
        let _permit = self.long_reads.acquire().await.ok();
        let (stale, never_reported) = tokio::try_join!(
            self.stale_devices(query),
            self.devices_that_never_reported(query)
        )?;
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

    /// Loads the devices that have reported and are silent. The statement scans the snapshots once, in parallel, then
    /// looks up the rest for snapshots that are old enough, in order, until the page is full. The scan needs no index
    /// on the time of the last update, which every update would have to change. `OFFSET 0` keeps the planner from
    /// hashing a million devices to find a hundred.
    async fn stale_devices(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<SilentDeviceRow>, StorageError> {
        let columns = StaleCutOffs::from_cut_offs(query.cut_offs);
        let Some(loosest) = columns.stale_before.iter().max().copied() else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query_as!(
            SilentDeviceRow,
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
            &columns.poll_intervals,
            &columns.stale_thresholds,
            &columns.declared_intervals as &[Option<i32>],
            &columns.stale_before,
            loosest,
            query.silent_since_at_latest,
            query.after.map(|position| position.silent_since),
            query.after.map_or("", |position| position.workspace_id.as_str()),
            query.after.map_or("", |position| position.device_id.as_str()),
            &query.owners() as &[&str],
            query.provider.map(ProviderId::as_str),
            query.limit,
        )
        .fetch_all(&self.pool);
        Ok(without_row_spans(rows).await?)
    }

    /// Loads the silent devices that have not reported since their activation. The statement reads devices that are not
    /// marked as reported, and no other.
    async fn devices_that_never_reported(
        &self,
        query: SilenceQuery<'_>,
    ) -> Result<Vec<SilentDeviceRow>, StorageError> {
        let columns = NoDataCutOffs::from_cut_offs(query.cut_offs);
        let Some(loosest) = columns.no_data_before.iter().max().copied() else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query_as!(
            SilentDeviceRow,
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
            &columns.graces,
            &columns.no_data_before,
            loosest,
            query.silent_since_at_latest,
            query.after.map(|position| position.silent_since),
            query.after.map_or("", |position| position.workspace_id.as_str()),
            query.after.map_or("", |position| position.device_id.as_str()),
            &query.owners() as &[&str],
            query.provider.map(ProviderId::as_str),
            query.limit,
        )
        .fetch_all(&self.pool);
        Ok(without_row_spans(rows).await?)
    }
}

impl SilenceQuery<'_> {
    /// Returns the read owners as the words of their column.
    fn owners(&self) -> Vec<&'static str> {
        self.read_owners
            .iter()
            .map(|owner| owner.as_str())
            .collect()
    }
}

/// The cut-offs of stale devices as the parameters of `unnest`, one row for each combination of thresholds.
#[derive(Default)]
struct StaleCutOffs {
    poll_intervals: Vec<i32>,
    stale_thresholds: Vec<i32>,
    declared_intervals: Vec<Option<i32>>,
    stale_before: Vec<DateTime<Utc>>,
}

impl StaleCutOffs {
    /// Collects the columns.
    fn from_cut_offs(cut_offs: &[(Thresholds, CutOffs)]) -> Self {
        let mut columns = Self::default();
        for (thresholds, at) in cut_offs {
            let Thresholds {
                policy,
                declared_interval_minutes,
            } = thresholds;
            columns
                .poll_intervals
                .push(minutes_to_column(policy.poll_interval.minutes()));
            columns
                .stale_thresholds
                .push(minutes_to_column(policy.stale_threshold_minutes));
            columns
                .declared_intervals
                .push(declared_interval_minutes.map(minutes_to_column));
            columns.stale_before.push(at.stale_before);
        }
        columns
    }
}

/// The cut-offs of devices that never reported, as the parameters of `unnest`.
#[derive(Default)]
struct NoDataCutOffs {
    graces: Vec<i32>,
    no_data_before: Vec<DateTime<Utc>>,
}

impl NoDataCutOffs {
    /// Collects the columns.
    fn from_cut_offs(cut_offs: &[(Thresholds, CutOffs)]) -> Self {
        let mut columns = Self::default();
        for (thresholds, at) in cut_offs {
            let grace = thresholds.policy.no_data_grace_minutes;
            columns.graces.push(minutes_to_column(grace));
            columns.no_data_before.push(at.no_data_before);
        }
        columns
    }
}

/// Converts minutes to their column's type; minutes of a policy are far below the limit.
fn minutes_to_column(minutes: u32) -> i32 {
    i32::try_from(minutes).unwrap_or(i32::MAX)
}

/// The columns of a silent device.
struct SilentDeviceRow {
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

impl From<SilentDeviceRow> for (WorkspaceId, ActiveDevice) {
    fn from(silent: SilentDeviceRow) -> Self {
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
