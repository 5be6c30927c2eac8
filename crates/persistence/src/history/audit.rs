//! The audit trail: events of all workspaces that name the person or program that made a change.

use chrono::{DateTime, Utc};
use domain::events::{ChangeFilter, EventPosition, EventType, RecordedChange};
use domain::ids::{DeviceId, EventId, WorkspaceId};

use crate::postgres::{StorageError, Store, decode};

impl Store {
    /// Loads changes that were recorded at `until` or earlier, newest first: only changes before the position `before`,
    /// if given. This is one of the few reads across workspaces; it reads the index of changes and no other events.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn changes(
        &self,
        filter: &ChangeFilter,
        until: DateTime<Utc>,
        before: Option<EventPosition>,
        limit: i64,
    ) -> Result<Vec<RecordedChange>, StorageError> {
        let before_at = before.map(|before| before.at);
        sqlx::query!(
            r#"/* event_store: changes */
            SELECT workspace_id, recorded_at, event_id, type AS change_type, device_id,
                   changed_by AS "changed_by!", trace_id, payload AS "payload: serde_json::Value"
            FROM event_store
            WHERE changed_by IS NOT NULL
              AND ($1::text IS NULL OR workspace_id = $1)
              AND ($2::text IS NULL OR type = $2)
              AND ($3::text IS NULL OR changed_by = $3)
              AND ($4::text IS NULL OR device_id = $4)
              AND recorded_at >= coalesce($5::timestamptz, '-infinity')
              AND recorded_at < coalesce($6::timestamptz, 'infinity')
              AND recorded_at <= $7
              AND ($8::timestamptz IS NULL OR (recorded_at, event_id) < ($8, $9::uuid))
            ORDER BY recorded_at DESC, event_id DESC
            LIMIT $10"#,
            filter.workspace_id.as_ref().map(WorkspaceId::as_str),
            filter.change_type.map(EventType::as_str),
            filter.changed_by.as_deref(),
            filter.device_id.as_ref().map(DeviceId::as_str),
            filter.from,
            filter.to,
            before_at.map_or(until, |before| before.min(until)),
            before_at,
            before.map(|before| before.event_id.0),
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(RecordedChange {
                at: row.recorded_at,
                event_id: EventId(row.event_id),
                change_type: row.change_type,
                workspace_id: decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
                device_id: row
                    .device_id
                    .map(|id| decode::id(DeviceId::try_new, "device_id", &id))
                    .transpose()?,
                changed_by: row.changed_by,
                trace_id: row.trace_id,
                details: row.payload,
            })
        })
        .collect()
    }
}
