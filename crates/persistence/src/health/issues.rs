//! Loading the facts that issues are computed from: the facts of health and the evidence of polls, all read in one
//! transaction so that they belong to one instant.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, DeviceId, ProviderId, WorkspaceId};
use domain::polling::{ErrorClass, PollError};
use sqlx::PgConnection;

use crate::fleet::load_workspace;
use crate::postgres::driver::{transaction, without_row_spans};
use crate::postgres::{StorageError, Store, decode};
use domain::fleet::WorkspaceRecord;
use domain::health::WorkspaceHealthFacts;

/// All facts that a workspace's issues are computed from.
#[derive(Clone, Debug)]
pub struct IssueFacts {
    /// The workspace that the facts are about.
    pub record: WorkspaceRecord,
    /// The facts that the workspace's health is computed from.
    pub health: WorkspaceHealthFacts,
    /// The observation time of each device's stored state of charge; devices without one are left out.
    pub state_of_charge_at: HashMap<DeviceId, DateTime<Utc>>,
    /// The evidence from the polls of each connection.
    pub evidence: HashMap<ProviderId, ConnectionEvidence>,
    /// The latest polled cycle; `None` if no cycle has been polled.
    pub last_cycle: Option<CycleId>,
}

/// The cycles and the error that show the state of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionEvidence {
    /// The cycle of the first failure since the last successful poll; `None` unless the latest finished poll failed.
    pub first_failed: Option<CycleId>,
    /// The cycle of the latest finished poll; `None` if no poll has finished.
    pub latest: Option<CycleId>,
    /// The error of the latest finished poll; `None` if that poll succeeded.
    pub error: Option<PollError>,
}

impl Store {
    /// Loads a workspace's issue facts in one read-only transaction. Returns `None` if there is no such workspace.
    ///
    /// A device's snapshot and its connection's polls are written together and must be read together: otherwise a
    /// device could appear silent in a poll that has just returned the device.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn issue_facts(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<Option<IssueFacts>, StorageError> {
        let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut tx = transaction::begin(&self.pool, Some(snapshot)).await?;
        let Some(record) = load_workspace(&mut *tx, workspace_id).await? else {
            return Ok(None);
        };
        let facts = IssueFacts {
            record,
            health: Self::health_facts_through(&mut tx, workspace_id).await?,
            state_of_charge_at: load_state_of_charge_times(&mut tx, workspace_id).await?,
            evidence: load_evidence(&mut tx, workspace_id).await?,
            last_cycle: load_last_cycle(&mut tx, workspace_id).await?,
        };
        transaction::commit(tx).await?;
        Ok(Some(facts))
    }
}

/// Loads the observation time of each active device's stored state of charge. A snapshot groups its readings by time
/// and holds each signal once, so a device has at most one such time.
async fn load_state_of_charge_times(
    connection: &mut PgConnection,
    workspace_id: &WorkspaceId,
) -> Result<HashMap<DeviceId, DateTime<Utc>>, StorageError> {
    let rows = sqlx::query!(
        r#"/* issues: since when the state of charge */
        SELECT d.device_id, held.key::timestamptz AS "observed_at!"
        FROM devices d
        JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
        JOIN LATERAL json_each(s.signals) held ON held.value->'state_of_charge_percent' IS NOT NULL
        WHERE d.workspace_id = $1 AND d.active"#,
        workspace_id.as_str(),
    )
    .fetch_all(connection);
    without_row_spans(rows)
        .await?
        .into_iter()
        .map(|row| {
            let device_id = decode::id(DeviceId::try_new, "device_id", &row.device_id)?;
            Ok((device_id, row.observed_at))
        })
        .collect()
}

/// Loads the evidence of every connection of a workspace.
async fn load_evidence(
    connection: &mut PgConnection,
    workspace_id: &WorkspaceId,
) -> Result<HashMap<ProviderId, ConnectionEvidence>, StorageError> {
    sqlx::query!(
        r#"/* issues: evidence of connections */
        SELECT c.provider_id, latest.cycle_id AS "latest?", latest.error_class, latest.error_detail,
               failed.cycle_id AS "first_failed?"
        FROM provider_connections c
        LEFT JOIN LATERAL (
            SELECT cycle_id, outcome, error_class, error_detail FROM poll_cycle_connections
            WHERE workspace_id = $1 AND provider_id = c.provider_id
              AND (error_class = ANY ($2)) IS NOT TRUE
            ORDER BY ended_at DESC LIMIT 1
        ) latest ON true
        LEFT JOIN LATERAL (
            SELECT ended_at FROM poll_cycle_connections
            WHERE workspace_id = $1 AND provider_id = c.provider_id AND outcome = 'ok'
            ORDER BY ended_at DESC LIMIT 1
        ) ok ON latest.outcome = 'failed'
        LEFT JOIN LATERAL (
            SELECT cycle_id FROM poll_cycle_connections
            WHERE workspace_id = $1 AND provider_id = c.provider_id AND outcome = 'failed'
              AND ended_at > coalesce(ok.ended_at, '-infinity')
            ORDER BY ended_at LIMIT 1
        ) failed ON latest.outcome = 'failed'
        WHERE c.workspace_id = $1"#,
        workspace_id.as_str(),
        &ErrorClass::words_where(ErrorClass::repeats_a_failure) as &[&str],
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        let error = match (row.error_class, row.error_detail) {
            (Some(class), Some(detail)) => Some(PollError {
                class: decode::word(ErrorClass::parse, "error_class", &class)?,
                detail,
            }),
            _ => None,
        };
        let provider_id = decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?;
        let evidence = ConnectionEvidence {
            first_failed: row.first_failed.map(CycleId),
            latest: row.latest.map(CycleId),
            error,
        };
        Ok((provider_id, evidence))
    })
    .collect()
}

/// Loads the id of the workspace's latest polled cycle.
async fn load_last_cycle(
    connection: &mut PgConnection,
    workspace_id: &WorkspaceId,
) -> Result<Option<CycleId>, StorageError> {
    let last = sqlx::query_scalar!(
        r#"/* issues: the latest polled cycle */
        SELECT cycle_id FROM poll_cycles
        WHERE workspace_id = $1 AND polled
        ORDER BY ended_at DESC LIMIT 1"#,
        workspace_id.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(last.map(CycleId))
}
