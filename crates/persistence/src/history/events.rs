//! Appending and reading events. An event is one row, which is never changed.

use chrono::{DateTime, Utc};
use domain::events::{EventFilter, EventPosition, EventType, RecordedEvent};
use domain::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use uuid::Uuid;

use crate::acceptance::CommonMembers;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// An event to append. Events of accepted updates are appended in batches together with the snapshots that move.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The event's id, a `UUIDv7`.
    pub event_id: EventId,
    /// The type of the event.
    pub event_type: EventType,
    /// The device that the event is about.
    pub device_id: Option<&'a DeviceId>,
    /// The poll cycle that the event belongs to.
    pub cycle_id: Option<CycleId>,
    /// The person or program that made the change; `None` for an event that the audit trail does not list.
    pub changed_by: Option<&'a str>,
    /// The W3C trace id of the request or message that caused the event.
    pub trace_id: Option<&'a str>,
    /// The specification's fields, in `snake_case`.
    pub payload: serde_json::Value,
}

/// The event that records one workspace's part of an export.
#[derive(Clone, Debug)]
pub struct ExportEvent<'a> {
    /// The workspace whose rows were exported.
    pub workspace_id: &'a WorkspaceId,
    /// The event's id, a `UUIDv7`.
    pub event_id: EventId,
    /// The exported list, its filter, and the number of rows.
    pub payload: serde_json::Value,
}

impl Store {
    /// Appends the events of an export, one for each workspace, in one statement.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn append_export(
        &self,
        event_type: EventType,
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
            event_type.as_str(),
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
    /// Appends an event of this workspace.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
            event.event_type.as_str(),
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

/// A span of recording times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSpan {
    /// The first instant of the span.
    pub from: DateTime<Utc>,
    /// The instant that ends the span and is not part of it; `None` if only `until` ends the span.
    pub before: Option<DateTime<Utc>>,
    /// The last instant that may be part of the span.
    pub until: DateTime<Utc>,
}

impl Store {
    /// Loads a workspace's events in a span, newest first: only events before the position `before`, if given. The
    /// statement reads the days of the span by their primary key, newest day first, until the page is full.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn events(
        &self,
        workspace_id: &WorkspaceId,
        filter: &EventFilter,
        span: EventSpan,
        before: Option<EventPosition>,
        limit: i64,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        let before_at = before.map(|before| before.at);
        sqlx::query!(
            r#"/* event_store: page */
            SELECT recorded_at, event_id, type AS event_type, device_id, cycle_id, trace_id, changed_by,
                   vehicle_id, provider_id, activation_id, version, payload_prepared_at,
                   normalized_values AS "normalized_values: serde_json::Value", payload AS "payload: serde_json::Value"
            FROM event_store
            WHERE workspace_id = $1
              AND recorded_at >= $2 AND recorded_at < coalesce($3::timestamptz, 'infinity') AND recorded_at <= $4
              AND ($5::timestamptz IS NULL OR (recorded_at, event_id) < ($5, $6::uuid))
              AND ($7::text IS NULL OR type = $7)
              AND ($8::text IS NULL OR device_id = $8)
              AND ($9::uuid IS NULL OR cycle_id = $9)
              AND ($10::text IS NULL OR trace_id = $10)
            ORDER BY recorded_at DESC, event_id DESC
            LIMIT $11"#,
            workspace_id.as_str(),
            span.from,
            span.before,
            before_at.map_or(span.until, |before| before.min(span.until)),
            before_at,
            before.map(|before| before.event_id.0),
            filter.event_type.map(EventType::as_str),
            filter.device_id.as_ref().map(DeviceId::as_str),
            filter.cycle_id.map(|id| id.0),
            filter.trace_id.as_deref(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let members = CommonMembers {
                vehicle_id: row.vehicle_id,
                provider_id: row.provider_id,
                activation_id: row.activation_id,
                version: row.version,
                payload_prepared_at: row.payload_prepared_at,
                normalized_values: row.normalized_values,
            };
            Ok(RecordedEvent {
                recorded_at: row.recorded_at,
                event_id: EventId(row.event_id),
                event_type: row.event_type,
                device_id: row
                    .device_id
                    .map(|id| decode::id(DeviceId::try_new, "device_id", &id))
                    .transpose()?,
                cycle_id: row.cycle_id.map(CycleId),
                trace_id: row.trace_id,
                changed_by: row.changed_by,
                payload: members.join(row.payload),
            })
        })
        .collect()
    }

    /// Loads the time at which a cycle's trigger was recorded and the time at which the cycle ended. All events of the
    /// cycle lie between them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn cycle_times(
        &self,
        workspace_id: &WorkspaceId,
        cycle_id: CycleId,
    ) -> Result<Option<(DateTime<Utc>, Option<DateTime<Utc>>)>, StorageError> {
        let row = sqlx::query!(
            r#"/* poll_cycles: when one was */
            SELECT triggered_at, ended_at FROM poll_cycles WHERE workspace_id = $1 AND cycle_id = $2"#,
            workspace_id.as_str(),
            cycle_id.0,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.triggered_at, row.ended_at)))
    }
}
