//! The facts that health was computed from at an earlier instant, as far as records exist: configuration comes from
//! change events, last updates come from baselines and accepted updates, polls come from the records of cycles.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::{Cutover, CutoverRecord, Policy, WorkspaceRecord};
use domain::health::{ActiveDevice, WorkspaceHealthFacts};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use futures::TryStreamExt;
use serde::Deserialize;

use super::columns::DeviceColumns;
use crate::history::HistoryStart;
use crate::postgres::driver::{IdColumn, TimeColumn, without_row_spans};
use crate::postgres::{StorageError, Store, decode};

/// The time before the instant within which the last answer that named an absent device is searched.
const LOOK_BACK: TimeDelta = TimeDelta::days(1);

/// The JSON form of a policy in a `WorkspacePolicyChanged` event.
#[derive(Deserialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the contract's names, with their unit"
)]
struct PolicyMembers {
    poll_interval_minutes: i64,
    stale_threshold_minutes: i64,
    no_data_grace_minutes: i64,
}

/// The JSON form of a workspace in a `WorkspaceConfigured` event.
#[derive(Deserialize)]
struct WorkspaceMembers {
    active: bool,
}

impl Store {
    /// Returns the workspace with the flags, policy and activity that it had at an instant, which must not be before
    /// its registration. A value is taken from the first later change event, which names the value before the change,
    /// or from the current record if no later change exists.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn workspace_as_of(
        &self,
        mut record: WorkspaceRecord,
        at: DateTime<Utc>,
    ) -> Result<WorkspaceRecord, StorageError> {
        let changes = sqlx::query!(
            r#"/* history: workspace as of */
            SELECT flags.version AS "cutover_version?", flags.changed_at AS "cutover_changed_at?",
                   flags.changed_by AS "cutover_changed_by?", flags.to_flags AS "to_flags?",
                   policy.before AS "policy?: serde_json::Value", workspace.before AS "workspace?: serde_json::Value"
            FROM (SELECT 1) AS one
            LEFT JOIN LATERAL (
                SELECT version, changed_at, changed_by, to_flags FROM cutover_changes
                WHERE workspace_id = $1 AND changed_at <= $2
                ORDER BY version DESC LIMIT 1
            ) flags ON true
            LEFT JOIN LATERAL (
                SELECT payload->'from' AS before FROM event_store
                WHERE workspace_id = $1 AND recorded_at > $2 AND changed_by IS NOT NULL AND type = 'WorkspacePolicyChanged'
                ORDER BY recorded_at, event_id LIMIT 1
            ) policy ON true
            LEFT JOIN LATERAL (
                SELECT payload->'from' AS before FROM event_store
                WHERE workspace_id = $1 AND recorded_at > $2 AND changed_by IS NOT NULL AND type = 'WorkspaceConfigured'
                ORDER BY recorded_at, event_id LIMIT 1
            ) workspace ON true"#,
            record.workspace.id.as_str(),
            at,
        )
        .fetch_one(&self.pool)
        .await?;
        if let (Some(version), Some(changed_at), Some(changed_by), Some(flags)) = (
            changes.cutover_version,
            changes.cutover_changed_at,
            changes.cutover_changed_by,
            changes.to_flags,
        ) {
            record.workspace.cutover = decode::json::<Cutover>("to_flags", flags)?;
            record.cutover = CutoverRecord {
                version,
                changed_at,
                changed_by,
            };
        }
        if let Some(before) = changes.policy {
            let members: PolicyMembers = decode::json("policy", before)?;
            record.workspace.policy = Policy::try_new(
                members.poll_interval_minutes,
                members.stale_threshold_minutes,
                members.no_data_grace_minutes,
            )
            .map_err(|wrong| StorageError::corrupt("policy", wrong))?;
        }
        if let Some(before) = changes.workspace {
            let members: Option<WorkspaceMembers> = decode::json("workspace", before)?;
            record.workspace.active = members.map_or(record.workspace.active, |was| was.active);
        }
        Ok(record)
    }

    /// Loads the health facts of a workspace as they were at an instant, from the history that begins at `start`.
    /// Records made exactly at the instant are included.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn health_facts_as_of(
        &self,
        workspace_id: &WorkspaceId,
        start: HistoryStart,
        at: DateTime<Utc>,
    ) -> Result<WorkspaceHealthFacts, StorageError> {
        let (mut devices, polls) = tokio::try_join!(
            self.load_devices_as_of(workspace_id, start, at),
            self.load_polls_as_of(workspace_id, at),
        )?;
        for row in &mut devices {
            row.absent = polls.is_absent(row);
            row.last_rejection = polls.last_rejection(row);
        }
        self.add_last_answers(workspace_id, &mut devices, at)
            .await?;
        Ok(WorkspaceHealthFacts {
            devices,
            connections: polls.connections,
            last_cycle_ended_at: polls.last_cycle_ended_at,
        })
    }

    /// Loads the devices that were active at the instant, with the times of their last updates.
    async fn load_devices_as_of(
        &self,
        workspace_id: &WorkspaceId,
        start: HistoryStart,
        at: DateTime<Utc>,
    ) -> Result<Vec<ActiveDevice>, StorageError> {
        let rows = sqlx::query_as!(
            DeviceColumns,
            r#"/* history: devices as of */
            WITH baseline AS (
                SELECT device_id, type, recorded_at, payload FROM event_store
                WHERE workspace_id = $1 AND recorded_at = $3 AND type = 'DeviceBaselineRecorded'
            ), configured AS (
                SELECT DISTINCT ON (device_id) device_id, type, payload->>'vehicle_id' AS vehicle_id,
                       payload->>'provider_id' AS provider_id, (payload->>'activation_id')::uuid AS activation_id,
                       (payload->>'activated_at')::timestamptz AS activated_at
                FROM (
                    SELECT *, (payload->>'device_version')::bigint AS version FROM baseline
                    UNION ALL
                    SELECT device_id, type, recorded_at, payload, (payload->>'version')::bigint FROM event_store
                    WHERE workspace_id = $1 AND recorded_at BETWEEN coalesce($4::timestamptz, '-infinity') AND $2
                      AND changed_by IS NOT NULL AND type IN ('DeviceConfigured', 'DeviceDeactivated')
                ) AS told
                ORDER BY device_id, version DESC, recorded_at DESC
            ), latest AS (
                -- The payload is not read here: reading the payloads of all updates of a day would be most of the work.
                SELECT DISTINCT ON (e.device_id) e.device_id, e.recorded_at, e.event_id
                FROM event_store e
                JOIN configured c ON c.device_id = e.device_id AND c.activated_at <= e.recorded_at
                WHERE e.workspace_id = $1 AND e.recorded_at BETWEEN coalesce($4::timestamptz, '-infinity') AND $2
                  AND e.type = 'TelematicsUpdateAccepted'
                ORDER BY e.device_id, e.recorded_at DESC, e.event_id DESC
            ), updates AS (
                SELECT device_id, (payload->>'activation_id')::uuid AS activation_id,
                       (payload->>'last_update_received_at')::timestamptz AS received_at,
                       (payload->>'newest_observed_at')::timestamptz AS observed_at
                FROM baseline
                UNION ALL
                SELECT e.device_id, e.activation_id, e.recorded_at, coalesce(
                           (e.payload->>'newest_observed_at')::timestamptz,
                           (SELECT max(time::timestamptz) FROM json_object_keys(e.normalized_values) AS time))
                FROM latest
                JOIN event_store e ON e.workspace_id = $1 AND e.recorded_at = latest.recorded_at AND e.event_id = latest.event_id
                -- This repeats the bounds of `latest`, so that PostgreSQL excludes the partitions of other days at the start.
                WHERE e.recorded_at BETWEEN coalesce($4::timestamptz, '-infinity') AND $2
            )
            SELECT c.device_id AS "device_id!: IdColumn<DeviceId>", c.vehicle_id AS "vehicle_id!: IdColumn<VehicleId>",
                   c.provider_id AS "provider_id!: IdColumn<ProviderId>",
                   d.configured_at AS "configured_at: TimeColumn", c.activated_at AS "activated_at!: TimeColumn",
                   max(u.received_at) AS "last_update_received_at: TimeColumn", max(u.observed_at) AS "newest_observed_at: TimeColumn"
            FROM configured c
            JOIN devices d ON d.workspace_id = $1 AND d.device_id = c.device_id
            LEFT JOIN updates u ON u.device_id = c.device_id AND u.activation_id = c.activation_id
            WHERE c.type <> 'DeviceDeactivated'
            GROUP BY c.device_id, c.vehicle_id, c.provider_id, d.configured_at, c.activated_at
            ORDER BY c.device_id"#,
            workspace_id.as_str(),
            at,
            start.baseline_at,
            start.updates_since(),
        )
        .fetch(&self.pool)
        .map_ok(ActiveDevice::from);
        Ok(without_row_spans(rows.try_collect()).await?)
    }

    /// Sets, for each absent device, the time of the last answer that named the device, if that answer came within
    /// [`LOOK_BACK`] and since the device's activation.
    async fn add_last_answers(
        &self,
        workspace_id: &WorkspaceId,
        devices: &mut [ActiveDevice],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let absent = || devices.iter().filter(|row| row.absent);
        let ids: Vec<&str> = absent().map(|row| row.device_id.as_str()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let providers: Vec<&str> = absent().map(|row| row.provider_id.as_str()).collect();
        let since: Vec<DateTime<Utc>> = absent()
            .map(|row| row.facts.activated_at.max(at - LOOK_BACK))
            .collect();
        let answers: HashMap<String, DateTime<Utc>> = sqlx::query!(
            r#"/* history: last answers that named absent devices */
            SELECT absent.device_id AS "device_id!", answer.ended_at
            FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS absent (device_id, provider_id, since)
            CROSS JOIN LATERAL (
                SELECT ended_at FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = absent.provider_id AND outcome = 'ok'
                  AND ended_at BETWEEN absent.since AND $5 AND NOT absent.device_id = ANY (missing)
                ORDER BY ended_at DESC LIMIT 1
            ) answer"#,
            workspace_id.as_str(),
            &ids as &[&str],
            &providers as &[&str],
            &since,
            at,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| (row.device_id, row.ended_at))
        .collect();
        for row in devices.iter_mut().filter(|row| row.absent) {
            row.returned_before_absence_at = answers.get(row.device_id.as_str()).copied();
        }
        Ok(())
    }
}
