//! Follow-ups: what people write about silent devices, in numbered versions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::follow_up::{DeviceFollowUp, FollowUp, Note, WrittenFollowUp};
use domain::ids::{DeviceId, WorkspaceId};

use crate::postgres::driver::without_row_spans;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The columns of one version of a follow-up.
struct FollowUpRow {
    version: i64,
    silent_since: DateTime<Utc>,
    contacted: bool,
    snoozed_until: Option<DateTime<Utc>>,
    note: Option<String>,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

impl TryFrom<FollowUpRow> for WrittenFollowUp {
    type Error = StorageError;

    fn try_from(row: FollowUpRow) -> Result<Self, StorageError> {
        let note = match row.note {
            Some(text) => Note::parse(&text).map_err(|_| StorageError::corrupt("note", &text))?,
            None => None,
        };
        Ok(Self {
            version: row.version,
            follow_up: FollowUp {
                contacted: row.contacted,
                snoozed_until: row.snoozed_until,
                note,
            },
            silent_since: row.silent_since,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        })
    }
}

impl Store {
    /// Loads the start of an active device's silence, and the latest follow-up of the device. Returns `None` if there
    /// is no such device.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn follow_up(
        &self,
        workspace_id: &WorkspaceId,
        device_id: &DeviceId,
    ) -> Result<Option<DeviceFollowUp>, StorageError> {
        load_follow_up(&self.pool, workspace_id, device_id).await
    }

    /// Loads the versions of a device's follow-up, newest first: only versions below `before`, if given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn follow_up_versions(
        &self,
        workspace_id: &WorkspaceId,
        device_id: &DeviceId,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<WrittenFollowUp>, StorageError> {
        sqlx::query_as!(
            FollowUpRow,
            r#"/* follow_ups: versions */
            SELECT version, silent_since, contacted, snoozed_until, note, updated_at, updated_by
            FROM follow_ups
            WHERE workspace_id = $1 AND device_id = $2 AND version < coalesce($3, 9223372036854775807)
            ORDER BY version DESC
            LIMIT $4"#,
            workspace_id.as_str(),
            device_id.as_str(),
            before,
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(WrittenFollowUp::try_from)
        .collect()
    }

    /// Loads the latest follow-up of each given device, even if it is about an earlier silence. Devices without a
    /// follow-up are left out. This is one of the few reads across workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn latest_follow_ups(
        &self,
        devices: &[(&WorkspaceId, &DeviceId)],
    ) -> Result<HashMap<(WorkspaceId, DeviceId), WrittenFollowUp>, StorageError> {
        let (workspaces, ids): (Vec<&str>, Vec<&str>) = devices
            .iter()
            .map(|(workspace, device)| (workspace.as_str(), device.as_str()))
            .unzip();
        let rows = sqlx::query!(
            r#"/* follow_ups: latest of some devices */
            SELECT f.*
            FROM unnest($1::text[], $2::text[]) AS asked (workspace_id, device_id)
            CROSS JOIN LATERAL (
                SELECT * FROM follow_ups
                WHERE workspace_id = asked.workspace_id AND device_id = asked.device_id
                ORDER BY version DESC LIMIT 1
            ) f"#,
            &workspaces as &[&str],
            &ids as &[&str],
        )
        .fetch_all(&self.pool);
        without_row_spans(rows)
            .await?
            .into_iter()
            .map(|row| {
                let key = (
                    decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
                    decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
                );
                let written = WrittenFollowUp::try_from(FollowUpRow {
                    version: row.version,
                    silent_since: row.silent_since,
                    contacted: row.contacted,
                    snoozed_until: row.snoozed_until,
                    note: row.note,
                    updated_at: row.updated_at,
                    updated_by: row.updated_by,
                })?;
                Ok((key, written))
            })
            .collect()
    }
}

impl UnitOfWork {
    /// Loads the same as [`Store::follow_up`], protected by this unit of work's fence.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn follow_up(
        &mut self,
        device_id: &DeviceId,
    ) -> Result<Option<DeviceFollowUp>, StorageError> {
        load_follow_up(&mut *self.tx, &self.workspace_id, device_id).await
    }

    /// Inserts the next version of a follow-up. The caller holds the exclusive fence.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn insert_follow_up(
        &mut self,
        device_id: &DeviceId,
        written: &WrittenFollowUp,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* follow_ups: write */
            INSERT INTO follow_ups (
                workspace_id, device_id, version, silent_since, contacted, snoozed_until, note, updated_at, updated_by
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
            self.workspace_id.as_str(),
            device_id.as_str(),
            written.version,
            written.silent_since,
            written.follow_up.contacted,
            written.follow_up.snoozed_until,
            written.follow_up.note.as_ref().map(Note::as_str),
            written.updated_at,
            written.updated_by,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

/// Loads the start of an active device's silence, and the latest follow-up of the device.
async fn load_follow_up(
    executor: impl sqlx::PgExecutor<'_>,
    workspace_id: &WorkspaceId,
    device_id: &DeviceId,
) -> Result<Option<DeviceFollowUp>, StorageError> {
    let row = sqlx::query!(
        r#"/* follow_ups: of a device */
        SELECT coalesce(s.last_update_received_at, d.activated_at) AS "now_silent_since!",
               f.version AS "version?", f.silent_since AS "silent_since?", f.contacted AS "contacted?",
               f.snoozed_until AS "snoozed_until?", f.note AS "note?",
               f.updated_at AS "updated_at?", f.updated_by AS "updated_by?"
        FROM devices d
        LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = $2 AND s.activation_id = d.activation_id
        LEFT JOIN LATERAL (
            SELECT * FROM follow_ups WHERE workspace_id = $1 AND device_id = $2 ORDER BY version DESC LIMIT 1
        ) f ON true
        WHERE d.workspace_id = $1 AND d.device_id = $2 AND d.active"#,
        workspace_id.as_str(),
        device_id.as_str(),
    )
    .fetch_optional(executor)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let written = (
        row.version,
        row.silent_since,
        row.contacted,
        row.updated_at,
        row.updated_by,
    );
    let latest = match written {
        (
            Some(version),
            Some(silent_since),
            Some(contacted),
            Some(updated_at),
            Some(updated_by),
        ) => Some(WrittenFollowUp::try_from(FollowUpRow {
            version,
            silent_since,
            contacted,
            snoozed_until: row.snoozed_until,
            note: row.note,
            updated_at,
            updated_by,
        })?),
        _ => None,
    };
    Ok(Some(DeviceFollowUp {
        silent_since: row.now_silent_since,
        latest,
    }))
}
