//! Storing and reading rejections. They are stored in the transaction of their batch, grouped by reason and subject.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::acceptance::{
    KeptRejection, REJECTIONS_AT_MOST, RejectReason, RejectionFilter, RejectionKey, RejectionTally,
};
use domain::health::LastRejection;
use domain::ids::{CycleId, DeviceId, ExternalId, InvalidId, ProviderId, WorkspaceId};
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

impl UnitOfWork {
    /// Stores a batch's rejections by two statements, and a third one if a rejection is new, whatever the batch's size.
    /// A batch without rejections runs no statement.
    ///
    /// The count of a reason is locked before the rows of that reason, and reasons are locked in one order. So batches
    /// with the same rejections run one after the other, and deadlocks cannot happen. This order also allows the third
    /// statement to remove rows that other batches might update.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_rejections(
        &mut self,
        tally: &RejectionTally,
        cycle_id: Option<CycleId>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        if tally.counts.is_empty() {
            return Ok(());
        }
        let reasons: Vec<&str> = tally.counts.keys().map(|reason| reason.as_str()).collect();
        let counts: Vec<i64> = tally
            .counts
            .values()
            .map(|count| count_column(*count))
            .collect();
        sqlx::query!(
            r#"/* rejection_counts: add */
            INSERT INTO rejection_counts AS total (workspace_id, reason, count)
            SELECT $1, reason, count FROM unnest($2::text[], $3::bigint[]) AS batch (reason, count)
            ON CONFLICT (workspace_id, reason) DO UPDATE SET count = total.count + excluded.count"#,
            self.workspace_id.as_str(),
            &reasons as &[&str],
            &counts,
        )
        .execute(&mut *self.tx)
        .await?;
        if self.put_rejections(tally, cycle_id, now).await? {
            self.remove_surplus_rejections(tally).await?;
        }
        Ok(())
    }

    /// Inserts or updates the rows of rejections. Returns whether any of them is new.
    async fn put_rejections(
        &mut self,
        tally: &RejectionTally,
        cycle_id: Option<CycleId>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let mut columns = RejectionColumns::default();
        for (key, refusals) in &tally.kept {
            columns.push(key);
            columns.counts.push(count_column(refusals.count));
            columns.details.push(&refusals.detail);
            columns.observed_at.push(refusals.observed_at);
            columns.trace_ids.push(refusals.trace_id.as_deref());
        }
        Ok(sqlx::query_scalar!(
            r#"/* rejections: keep */
            WITH kept AS (
                INSERT INTO rejections AS known (
                    workspace_id, reason, provider_id, external_id, device_id, pointer, count, first_seen_at,
                    last_seen_at, detail, observed_at, cycle_id, trace_id
                )
                SELECT $1, reason, provider_id, external_id, device_id, pointer, count, $2, $2, detail, observed_at, $3, trace_id
                FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::timestamptz[], $12::text[])
                  AS batch (reason, provider_id, external_id, device_id, pointer, count, detail, observed_at, trace_id)
                ON CONFLICT (workspace_id, reason, provider_id, external_id, device_id, pointer) DO UPDATE SET
                    count = known.count + excluded.count,
                    last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
                    detail = excluded.detail, observed_at = excluded.observed_at,
                    cycle_id = excluded.cycle_id, trace_id = excluded.trace_id
                RETURNING first_seen_at
            )
            SELECT coalesce(bool_or(first_seen_at = $2), false) AS "any_is_new!" FROM kept"#,
            self.workspace_id.as_str(),
            now,
            cycle_id.map(|id| id.0),
            &columns.reasons as &[&str],
            &columns.provider_ids as &[&str],
            &columns.external_ids as &[&str],
            &columns.device_ids as &[&str],
            &columns.pointers as &[&str],
            &columns.counts,
            &columns.details as &[&str],
            &columns.observed_at as &[Option<DateTime<Utc>>],
            &columns.trace_ids as &[Option<&str>],
        )
        .fetch_one(&mut *self.tx)
        .await?)
    }

    /// Removes rejections beyond the limit of their reason: those that have not been seen for the longest time, and
    /// among equals those that were first seen last.
    async fn remove_surplus_rejections(
        &mut self,
        tally: &RejectionTally,
    ) -> Result<(), StorageError> {
        let bounded = tally
            .kept
            .keys()
            .filter(|key| !key.reason.is_about_a_configured_device());
        let mut columns = RejectionColumns::default();
        for key in bounded {
            columns.push(key);
        }
        sqlx::query!(
            r#"/* rejections: remove what is too many */
            WITH placed AS (
                SELECT reason, provider_id, external_id, device_id, pointer,
                       row_number() OVER (
                           PARTITION BY reason, CASE WHEN reason = 'unknown_device' THEN provider_id END
                           ORDER BY last_seen_at DESC, first_seen_at, provider_id, external_id, device_id, pointer
                       ) AS place
                FROM rejections
                WHERE workspace_id = $1 AND reason = ANY ($2)
                  AND (reason <> 'unknown_device' OR provider_id = ANY ($3))
            )
            DELETE FROM rejections surplus USING placed
            WHERE surplus.workspace_id = $1 AND place > $4
              AND (surplus.reason, surplus.provider_id, surplus.external_id, surplus.device_id, surplus.pointer)
                = (placed.reason, placed.provider_id, placed.external_id, placed.device_id, placed.pointer)"#,
            self.workspace_id.as_str(),
            &columns.reasons as &[&str],
            &columns.provider_ids as &[&str],
            count_column(REJECTIONS_AT_MOST as u64),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Deletes the rejections that called a device unknown, because the device has been configured.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub(crate) async fn forget_unknown_device(
        &mut self,
        device_id: &DeviceId,
        provider_id: &ProviderId,
        external_id: &ExternalId,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* rejections: a device is unknown no more */
            DELETE FROM rejections
            WHERE workspace_id = $1 AND reason = 'unknown_device'
              AND (device_id = $2 OR (device_id = '' AND provider_id = $3 AND external_id = $4))"#,
            self.workspace_id.as_str(),
            device_id.as_str(),
            provider_id.as_str(),
            external_id.as_str(),
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Loads a page of a workspace's rejections, in the order of their keys: only those after the key `after`, if
    /// given.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rejections(
        &self,
        workspace_id: &WorkspaceId,
        filter: &RejectionFilter,
        after: Option<&RejectionKey>,
        limit: i64,
    ) -> Result<Vec<KeptRejection>, StorageError> {
        let [reason, provider_id, external_id, device_id, pointer] =
            after.map(key_columns).unwrap_or_default();
        sqlx::query_as!(
            RejectionRow,
            r#"/* rejections: page */
            SELECT reason, provider_id, external_id, device_id, pointer, count, first_seen_at, last_seen_at, detail,
                   observed_at, cycle_id, trace_id
            FROM rejections
            WHERE workspace_id = $1
              AND ($2::text IS NULL OR reason = $2)
              AND ($3::text IS NULL OR provider_id = $3)
              AND ($4::text IS NULL OR device_id = $4)
              AND (reason, provider_id, external_id, device_id, pointer) > ($5, $6, $7, $8, $9)
            ORDER BY reason, provider_id, external_id, device_id, pointer
            LIMIT $10"#,
            workspace_id.as_str(),
            filter.reason.map(RejectReason::as_str),
            filter.provider_id.as_ref().map(ProviderId::as_str),
            filter.device_id.as_ref().map(DeviceId::as_str),
            reason,
            provider_id,
            external_id,
            device_id,
            pointer,
            limit,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(KeptRejection::try_from)
        .collect()
    }

    /// Loads the latest rejection of each given device that explains its silence; devices without one are left out.
    /// This is one of the few reads across workspaces.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn last_rejections_of(
        &self,
        devices: &[(&WorkspaceId, &DeviceId)],
    ) -> Result<HashMap<(WorkspaceId, DeviceId), LastRejection>, StorageError> {
        let (workspaces, ids): (Vec<&str>, Vec<&str>) = devices
            .iter()
            .map(|(workspace_id, device_id)| (workspace_id.as_str(), device_id.as_str()))
            .unzip();
        sqlx::query!(
            r#"/* rejections: the latest of some devices */
            SELECT asked.workspace_id AS "workspace_id!", asked.device_id AS "device_id!", latest.reason,
                   latest.last_seen_at, latest.polled AS "polled!"
            FROM unnest($1::text[], $2::text[]) AS asked (workspace_id, device_id)
            CROSS JOIN LATERAL (
                SELECT reason, last_seen_at, cycle_id IS NOT NULL AS polled FROM rejections
                WHERE workspace_id = asked.workspace_id
                  AND reason = ANY ($3)
                  AND provider_id = '' AND external_id = '' AND device_id = asked.device_id
                ORDER BY last_seen_at DESC LIMIT 1
            ) latest"#,
            &workspaces as &[&str],
            &ids as &[&str],
            &RejectReason::words_where(RejectReason::explains_silence) as &[&str],
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let key = (
                decode::id(WorkspaceId::try_new, "workspace_id", &row.workspace_id)?,
                decode::id(DeviceId::try_new, "device_id", &row.device_id)?,
            );
            let latest = LastRejection {
                reason: decode::word(RejectReason::parse, "reason", &row.reason)?,
                at: row.last_seen_at,
                polled: row.polled,
            };
            Ok((key, latest))
        })
        .collect()
    }

    /// Loads the number of a workspace's rejected updates by reason, including rejections whose rows were removed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rejection_counts(
        &self,
        workspace_id: &WorkspaceId,
    ) -> Result<Vec<(RejectReason, i64)>, StorageError> {
        sqlx::query!(
            r#"/* rejection_counts: of a workspace */
            SELECT reason, count FROM rejection_counts WHERE workspace_id = $1"#,
            workspace_id.as_str(),
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            let reason = decode::word(RejectReason::parse, "reason", &row.reason)?;
            Ok((reason, row.count))
        })
        .collect()
    }
}

/// The columns of rejections in the order of their keys, as the parameters of `unnest`.
#[derive(Default)]
struct RejectionColumns<'t> {
    reasons: Vec<&'t str>,
    provider_ids: Vec<&'t str>,
    external_ids: Vec<&'t str>,
    device_ids: Vec<&'t str>,
    pointers: Vec<&'t str>,
    counts: Vec<i64>,
    details: Vec<&'t str>,
    observed_at: Vec<Option<DateTime<Utc>>>,
    trace_ids: Vec<Option<&'t str>>,
}

impl<'t> RejectionColumns<'t> {
    /// Appends the columns of a key.
    fn push(&mut self, key: &'t RejectionKey) {
        let [reason, provider_id, external_id, device_id, pointer] = key_columns(key);
        self.reasons.push(reason);
        self.provider_ids.push(provider_id);
        self.external_ids.push(external_id);
        self.device_ids.push(device_id);
        self.pointers.push(pointer);
    }
}

/// Returns the columns of a key. An absent part becomes the empty text, which no id is.
fn key_columns(key: &RejectionKey) -> [&str; 5] {
    [
        key.reason.as_str(),
        key.provider_id.as_ref().map_or("", ProviderId::as_str),
        key.external_id.as_ref().map_or("", ExternalId::as_str),
        key.device_id.as_ref().map_or("", DeviceId::as_str),
        key.pointer.as_deref().unwrap_or_default(),
    ]
}

/// Converts a count to its column's type; counts are far below the limit.
fn count_column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The columns of a rejection.
struct RejectionRow {
    reason: String,
    provider_id: String,
    external_id: String,
    device_id: String,
    pointer: String,
    count: i64,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    detail: String,
    observed_at: Option<DateTime<Utc>>,
    cycle_id: Option<Uuid>,
    trace_id: Option<String>,
}

impl TryFrom<RejectionRow> for KeptRejection {
    type Error = StorageError;

    fn try_from(row: RejectionRow) -> Result<Self, StorageError> {
        let reason = decode::word(RejectReason::parse, "reason", &row.reason)?;
        Ok(Self {
            key: RejectionKey {
                reason,
                provider_id: decode_optional_id(
                    ProviderId::try_new,
                    "provider_id",
                    &row.provider_id,
                )?,
                external_id: decode_optional_id(
                    ExternalId::try_new,
                    "external_id",
                    &row.external_id,
                )?,
                device_id: decode_optional_id(DeviceId::try_new, "device_id", &row.device_id)?,
                // For a malformed item the empty pointer is a value: it means the whole item.
                pointer: (reason == RejectReason::Malformed).then_some(row.pointer),
            },
            count: row.count,
            first_seen_at: row.first_seen_at,
            last_seen_at: row.last_seen_at,
            detail: row.detail,
            observed_at: row.observed_at,
            cycle_id: row.cycle_id.map(CycleId),
            trace_id: row.trace_id,
        })
    }
}

/// Decodes an id; the empty text means that the key has no such id.
fn decode_optional_id<T>(
    try_new: impl Fn(&str) -> Result<T, InvalidId>,
    what: &'static str,
    text: &str,
) -> Result<Option<T>, StorageError> {
    (!text.is_empty())
        .then(|| decode::id(try_new, what, text))
        .transpose()
}
