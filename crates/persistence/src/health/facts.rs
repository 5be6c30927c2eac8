//! Loading the facts that a workspace's health is computed from now.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::acceptance::RejectReason;
use domain::fleet::WorkspaceRecord;
use domain::health::{ActiveDevice, ConnectionPolling, LastRejection, WorkspaceHealthFacts};
use domain::ids::{DeviceId, ProviderId, VehicleId, WorkspaceId};
use domain::polling::ErrorClass;
use futures::TryStreamExt;
use sqlx::{PgConnection, PgExecutor};

use super::columns::{ConnectionColumns, DeviceColumns};
use crate::fleet::load_workspace;
use crate::postgres::driver::{IdColumn, TimeColumn, without_row_spans};
use crate::postgres::{StorageError, Store, decode};

/// All connections of a workspace, and the time at which its latest polled cycle ended.
type ConnectionsAndLastCycle = (Vec<ConnectionPolling>, Option<DateTime<Utc>>);

/// The absence and the latest rejection of a device, if there are any.
#[derive(Clone, Copy, Default)]
struct DeviceTrouble {
    absent: bool,
    returned_before_absence_at: Option<DateTime<Utc>>,
    last_rejection: Option<LastRejection>,
}

impl Store {
    /// Loads a workspace with its health facts, by four statements whatever the workspace's size. Returns `None` if
    /// there is no such workspace. One database connection loads the devices while a second one loads the rest.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn health_facts(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<Option<(WorkspaceRecord, WorkspaceHealthFacts)>, StorageError> {
        let devices = async {
            let mut kept = self.kept.take().await?;
            let devices = Self::load_active_devices(&mut *kept.connection, workspace_id).await?;
            self.kept.give_back(kept);
            Ok::<_, StorageError>(devices)
        };
        let rest = async {
            let mut kept = self.kept.take().await?;
            let record = load_workspace(&mut *kept.connection, workspace_id).await?;
            let polling =
                Self::load_connections_and_last_cycle(&mut *kept.connection, workspace_id).await?;
            let troubles = Self::load_troubles(&mut *kept.connection, workspace_id).await?;
            self.kept.give_back(kept);
            Ok((record, polling, troubles))
        };
        let (devices, (record, polling, troubles)) = tokio::try_join!(devices, rest)?;
        Ok(record.map(|record| (record, combine_facts(devices, polling, &troubles))))
    }

    /// Loads a workspace's health facts through one database connection, so that all statements of a transaction see
    /// the same state.
    pub(crate) async fn health_facts_through(
        connection: &mut PgConnection,
        workspace_id: &WorkspaceId,
    ) -> Result<WorkspaceHealthFacts, StorageError> {
        let devices = Self::load_active_devices(&mut *connection, workspace_id).await?;
        let polling = Self::load_connections_and_last_cycle(&mut *connection, workspace_id).await?;
        let troubles = Self::load_troubles(&mut *connection, workspace_id).await?;
        Ok(combine_facts(devices, polling, &troubles))
    }

    /// Loads the active devices with the times of their last updates, in order of id.
    async fn load_active_devices(
        executor: impl PgExecutor<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<Vec<ActiveDevice>, StorageError> {
        let rows = sqlx::query_as!(
            DeviceColumns,
            r#"/* health: devices */
            SELECT d.device_id AS "device_id: IdColumn<DeviceId>", d.vehicle_id AS "vehicle_id: IdColumn<VehicleId>",
                   d.provider_id AS "provider_id: IdColumn<ProviderId>",
                   d.configured_at AS "configured_at: TimeColumn", d.activated_at AS "activated_at: TimeColumn",
                   s.last_update_received_at AS "last_update_received_at?: TimeColumn",
                   s.newest_observed_at AS "newest_observed_at?: TimeColumn"
            FROM devices d
            LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
            WHERE d.workspace_id = $1 AND d.active
            ORDER BY d.device_id"#,
            workspace_id.as_str(),
        )
        .fetch(executor)
        .map_ok(ActiveDevice::from);
        Ok(without_row_spans(rows.try_collect()).await?)
    }

    /// Loads the devices that are missing from their provider's latest answer, each with the last answer that named
    /// the device, and the devices whose updates were rejected. They are few, so a statement of its own is cheaper than
    /// a join with every device.
    async fn load_troubles(
        executor: impl PgExecutor<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<HashMap<String, DeviceTrouble>, StorageError> {
        let rows = sqlx::query!(
            r#"/* health: absent devices, and refused updates */
            SELECT a.device_id AS "device_id!", a.last_returned_at AS at, NULL AS reason, false AS "polled!"
            FROM device_absences a
            JOIN devices d ON d.workspace_id = $1 AND d.device_id = a.device_id AND d.activation_id = a.activation_id
            WHERE a.workspace_id = $1 AND d.active
            UNION ALL
            SELECT device_id, last_seen_at, reason, cycle_id IS NOT NULL
            FROM rejections
            WHERE workspace_id = $1 AND reason = ANY ($2)"#,
            workspace_id.as_str(),
            &RejectReason::words_where(RejectReason::explains_silence) as &[&str],
        )
        .fetch_all(executor)
        .await?;
        let mut troubles: HashMap<String, DeviceTrouble> = HashMap::new();
        for row in rows {
            let trouble = troubles.entry(row.device_id).or_default();
            let (Some(reason), Some(at)) = (&row.reason, row.at) else {
                // Only the rows of absent devices have no reason.
                trouble.absent = true;
                trouble.returned_before_absence_at = row.at;
                continue;
            };
            let rejection = LastRejection {
                reason: decode::word(RejectReason::parse, "reason", reason)?,
                at,
                polled: row.polled,
            };
            if trouble.last_rejection.is_none_or(|latest| latest.at < at) {
                trouble.last_rejection = Some(rejection);
            }
        }
        Ok(troubles)
    }

    /// Loads the connections with their latest polls, and the end of the latest polled cycle.
    async fn load_connections_and_last_cycle(
        executor: impl PgExecutor<'_>,
        workspace_id: &WorkspaceId,
    ) -> Result<ConnectionsAndLastCycle, StorageError> {
        let rows = sqlx::query!(
            r#"/* health: connections and their latest polls */
            SELECT w.last_cycle_ended_at, c.provider_id AS "provider_id?", c.provider_type AS "provider_type?",
                   c.enabled AS "enabled?", c.expected_reporting_interval_minutes AS "declared_interval_minutes?",
                   p.started_at AS "started_at?", p.outcome AS "outcome?", p.error_class AS "error_class?",
                   ok.ended_at AS "last_answer_at?"
            FROM (
                SELECT max(ended_at) AS last_cycle_ended_at FROM poll_cycles
                WHERE workspace_id = $1 AND polled
            ) w
            LEFT JOIN provider_connections c ON c.workspace_id = $1
            LEFT JOIN LATERAL (
                SELECT started_at, outcome, error_class FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = c.provider_id
                  AND (error_class = ANY ($2)) IS NOT TRUE
                ORDER BY ended_at DESC LIMIT 1
            ) p ON true
            LEFT JOIN LATERAL (
                SELECT ended_at FROM poll_cycle_connections
                WHERE workspace_id = $1 AND provider_id = c.provider_id AND outcome = 'ok'
                ORDER BY ended_at DESC LIMIT 1
            ) ok ON true
            ORDER BY c.provider_id"#,
            workspace_id.as_str(),
            &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
        )
        .fetch_all(executor)
        .await?;
        let last_cycle_ended_at = rows.first().and_then(|row| row.last_cycle_ended_at);
        let connections = rows
            .into_iter()
            .filter_map(|row| {
                // A workspace without connections has one row, which holds the end of its latest cycle only.
                let columns = ConnectionColumns {
                    provider_id: row.provider_id?,
                    provider_type: row.provider_type?,
                    enabled: row.enabled?,
                    declared_interval_minutes: row.declared_interval_minutes,
                    started_at: row.started_at,
                    outcome: row.outcome,
                    error_class: row.error_class,
                };
                Some((columns, row.last_answer_at))
            })
            .map(|(columns, last_answer_at)| {
                let (provider_id, facts) = columns.decode()?;
                Ok(ConnectionPolling {
                    provider_id,
                    facts,
                    last_answer_at,
                })
            })
            .collect::<Result<_, StorageError>>()?;
        Ok((connections, last_cycle_ended_at))
    }
}

/// Joins the devices with their absences and rejections, and with the connections.
fn combine_facts(
    mut devices: Vec<ActiveDevice>,
    (connections, last_cycle_ended_at): ConnectionsAndLastCycle,
    troubles: &HashMap<String, DeviceTrouble>,
) -> WorkspaceHealthFacts {
    for row in &mut devices {
        if let Some(trouble) = troubles.get(row.device_id.as_str()) {
            row.absent = trouble.absent;
            row.returned_before_absence_at = trouble.returned_before_absence_at;
            row.last_rejection = trouble.last_rejection;
        }
    }
    WorkspaceHealthFacts {
        devices,
        connections,
        last_cycle_ended_at,
    }
}
