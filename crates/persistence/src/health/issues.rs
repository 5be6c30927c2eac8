//! The facts that issues are computed from: those of health, and the evidence beside them, as they all
//! stood at one instant.

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

/// Everything that a workspace's issues are computed from.
#[derive(Clone, Debug)]
pub struct IssueFacts {
    /// The workspace.
    pub record: WorkspaceRecord,
    /// What health is computed from.
    pub health: WorkspaceHealthFacts,
    /// When the state of charge that is held of a device was observed.
    pub state_of_charge_at: HashMap<DeviceId, DateTime<Utc>>,
    /// What its connections' polls show, by connection.
    pub evidence: HashMap<ProviderId, ConnectionEvidence>,
    /// The latest cycle that ran.
    pub last_cycle: Option<CycleId>,
}

/// What a connection's polls show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionEvidence {
    /// Where its latest finished poll failed: the cycle of the first failure since its last answer.
    pub first_failed: Option<CycleId>,
    /// The cycle of its latest finished poll.
    pub latest: Option<CycleId>,
    /// What the latest finished poll failed at.
    pub error: Option<PollError>,
}

impl Store {
    /// Reads a workspace's issue facts in one read-only transaction; `None` where there is no such
    /// workspace. A device's snapshot and its connection's polls are written together, and so have to be
    /// read together: else a device could be silent in a poll that had just heard of it.
    ///
    /// # Errors
    /// When the store fails.
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
            state_of_charge_at: state_of_charge_at(&mut tx, workspace_id).await?,
            evidence: evidence(&mut tx, workspace_id).await?,
            last_cycle: last_cycle(&mut tx, workspace_id).await?,
        };
        transaction::commit(tx).await?;
        Ok(Some(facts))
    }
}

/// Readings are grouped by their time, and a signal has one.
async fn state_of_charge_at(
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

async fn evidence(
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

async fn last_cycle(
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
