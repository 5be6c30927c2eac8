//! The event store: append-only, one row a fact.

use chrono::{DateTime, Utc};
use domain::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use uuid::Uuid;

use crate::{StorageError, Store, UnitOfWork};

/// A fact to append. Updates have their own, set-based way in, beside the snapshots they move.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// `UUIDv7`.
    pub event_id: EventId,
    /// The specification's word for it.
    pub event_type: &'static str,
    /// The device it is about.
    pub device_id: Option<&'a DeviceId>,
    /// The cycle it belongs to.
    pub cycle_id: Option<CycleId>,
    /// Who asked for it, where it is a change that the audit lists.
    pub changed_by: Option<&'a str>,
    /// The W3C trace id of what caused it.
    pub trace_id: Option<&'a str>,
    /// The specification's fields, in `snake_case`.
    pub payload: serde_json::Value,
}

/// A workspace's part of an export.
#[derive(Clone, Debug)]
pub struct ExportEvent<'a> {
    /// Whose rows went out.
    pub workspace_id: &'a WorkspaceId,
    /// `UUIDv7`.
    pub event_id: EventId,
    /// Which list, with what filter, how many rows.
    pub payload: serde_json::Value,
}

impl Store {
    /// Appends an export's events, of all its workspaces at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn append_export(
        &self,
        event_type: &'static str,
        events: &[ExportEvent<'_>],
        changed_by: &str,
        trace_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let workspaces: Vec<&str> = events
            .iter()
            .map(|event| event.workspace_id.as_str())
            .collect();
        let ids: Vec<Uuid> = events.iter().map(|event| event.event_id.0).collect();
        let payloads: Vec<String> = events
            .iter()
            .map(|event| event.payload.to_string())
            .collect();
        sqlx::query!(
            r#"/* event_store: append an export */
            INSERT INTO event_store (workspace_id, recorded_at, event_id, type, trace_id, payload, changed_by)
            SELECT workspace_id, $1, event_id, $2, $3, payload::json, $4
            FROM unnest($5::text[], $6::uuid[], $7::text[]) AS t (workspace_id, event_id, payload)"#,
            now,
            event_type,
            trace_id,
            changed_by,
            &workspaces as &[&str],
            &ids,
            &payloads,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl UnitOfWork {
    /// Appends an event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn append_event(
        &mut self,
        event: Event<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* event_store: append */
            INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, cycle_id, trace_id, payload, changed_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
            self.workspace_id.as_str(),
            now,
            event.event_id.0,
            event.event_type,
            event.device_id.map(DeviceId::as_str),
            event.cycle_id.map(|id| id.0),
            event.trace_id,
            event.payload,
            event.changed_by,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
