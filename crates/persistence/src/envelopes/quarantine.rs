//! The quarantine: envelopes that were not understood, listed, and interpreted again after a fix.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::fleet::ProviderType;
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use domain::quarantine::{EnvelopeChoice, QuarantinedEnvelope, ReplaySelection};
use uuid::Uuid;

use super::store::detail_of;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// Characters of a raw message that the list shows.
const SHOWN_AT_MOST: i32 = 2_000;

/// An envelope that is locked until the unit of work ends, without its message.
#[derive(Clone, Debug)]
pub struct LockedEnvelope {
    /// Which.
    pub envelope_id: EnvelopeId,
    /// The protocol that its message is said to be of.
    pub provider_type: ProviderType,
    /// The connection it came through.
    pub provider_id: ProviderId,
    /// When the transport received it.
    pub received_at: DateTime<Utc>,
    /// The W3C trace id of its message, or of the request that brought it.
    pub trace_id: Option<String>,
    /// Bytes of its message.
    pub bytes: usize,
    /// Leads to the message.
    recorded_at: DateTime<Utc>,
}

impl UnitOfWork {
    /// Locks envelopes that are to be interpreted again, in order of id. What another replay holds is
    /// waited for, and then left out if that has found out what it says.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn lock_for_replay(
        &mut self,
        selection: ReplaySelection<'_>,
    ) -> Result<Vec<LockedEnvelope>, StorageError> {
        let after = selection.after.map_or(Uuid::nil(), |id| id.0);
        let rows = match selection.which {
            EnvelopeChoice::Quarantined {
                provider_id,
                reason,
                limit,
            } => {
                sqlx::query_as!(
                    LockedRow,
                    r#"/* provider_envelopes: lock some of the quarantine */
                    SELECT e.envelope_id, e.provider_type, e.provider_id, e.received_at, e.trace_id, e.recorded_at,
                           octet_length(m.raw_message) AS "bytes!"
                    FROM provider_envelopes e
                    JOIN raw_messages m ON m.workspace_id = $1 AND m.recorded_at = e.recorded_at AND m.envelope_id = e.envelope_id
                    WHERE e.workspace_id = $1 AND e.outcome = 'quarantined' AND e.envelope_id > $2
                      AND ($3::text IS NULL OR e.provider_id = $3) AND ($4::text IS NULL OR e.reason = $4)
                    ORDER BY e.envelope_id
                    LIMIT $5
                    FOR UPDATE OF e"#,
                    self.workspace_id.as_str(),
                    after,
                    provider_id.map(ProviderId::as_str),
                    reason,
                    limit,
                )
                .fetch_all(&mut *self.tx)
                .await?
            }
            EnvelopeChoice::Named(ids) => {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                sqlx::query_as!(
                    LockedRow,
                    r#"/* provider_envelopes: lock those named */
                    SELECT e.envelope_id, e.provider_type, e.provider_id, e.received_at, e.trace_id, e.recorded_at,
                           octet_length(m.raw_message) AS "bytes!"
                    FROM provider_envelopes e
                    JOIN raw_messages m ON m.workspace_id = $1 AND m.recorded_at = e.recorded_at AND m.envelope_id = e.envelope_id
                    WHERE e.workspace_id = $1 AND e.outcome = ANY ($4) AND e.envelope_id = ANY ($2)
                      AND e.envelope_id > $3
                    ORDER BY e.envelope_id
                    FOR UPDATE OF e"#,
                    self.workspace_id.as_str(),
                    &ids,
                    after,
                    &EnvelopeOutcome::words_where(EnvelopeOutcome::can_be_replayed) as &[&str],
                )
                .fetch_all(&mut *self.tx)
                .await?
            }
        };
        rows.into_iter().map(LockedEnvelope::try_from).collect()
    }

    /// The messages of envelopes that are locked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn raw_messages(
        &mut self,
        envelopes: &[LockedEnvelope],
    ) -> Result<HashMap<EnvelopeId, String>, StorageError> {
        let ids: Vec<Uuid> = envelopes.iter().map(|one| one.envelope_id.0).collect();
        let times: Vec<DateTime<Utc>> = envelopes.iter().map(|one| one.recorded_at).collect();
        let rows = sqlx::query!(
            r#"/* raw_messages: of some envelopes */
            SELECT m.envelope_id, m.raw_message FROM unnest($2::timestamptz[], $3::uuid[]) AS wanted (recorded_at, envelope_id)
            JOIN raw_messages m ON m.workspace_id = $1 AND m.recorded_at = wanted.recorded_at AND m.envelope_id = wanted.envelope_id"#,
            self.workspace_id.as_str(),
            &times,
            &ids,
        )
        .fetch_all(&mut *self.tx)
        .await?;
        let message = |id, message| (EnvelopeId(id), message);
        Ok(rows
            .into_iter()
            .map(|row| message(row.envelope_id, row.raw_message))
            .collect())
    }

    /// Says what became of envelopes that were interpreted again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle_envelopes(
        &mut self,
        judged: &[(EnvelopeId, EnvelopeVerdict)],
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let ids: Vec<Uuid> = judged.iter().map(|(id, _)| id.0).collect();
        let outcomes: Vec<&str> = judged
            .iter()
            .map(|(_, verdict)| verdict.outcome().as_str())
            .collect();
        let reasons: Vec<Option<&str>> = judged.iter().map(|(_, one)| one.reason()).collect();
        let details: Vec<Option<String>> = judged.iter().map(|(_, one)| detail_of(one)).collect();
        sqlx::query!(
            r#"/* provider_envelopes: settle */
            UPDATE provider_envelopes AS held
            SET outcome = settled.outcome, reason = settled.reason, detail = settled.detail, replayed_at = $2
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS settled (envelope_id, outcome, reason, detail)
            WHERE held.workspace_id = $1 AND held.envelope_id = settled.envelope_id"#,
            self.workspace_id.as_str(),
            now,
            &ids,
            &outcomes as &[&str],
            &reasons as &[Option<&str>],
            &details as &[Option<String>],
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Envelopes in quarantine, in order of id.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantined_envelopes(
        &self,
        workspace_id: &WorkspaceId,
        after: Option<EnvelopeId>,
        limit: i64,
    ) -> Result<Vec<QuarantinedEnvelope>, StorageError> {
        sqlx::query!(
            r#"/* provider_envelopes: page of the quarantine */
            SELECT e.envelope_id, e.provider_type, e.provider_id, e.received_at, e.recorded_at, e.trace_id, e.reason, e.detail,
                   e.replayed_at, left(m.raw_message, $4) AS "raw_message!", octet_length(m.raw_message) AS "raw_message_bytes!"
            FROM provider_envelopes e
            JOIN raw_messages m ON m.workspace_id = $1 AND m.recorded_at = e.recorded_at AND m.envelope_id = e.envelope_id
            WHERE e.workspace_id = $1 AND e.outcome = 'quarantined' AND e.envelope_id > $2
            ORDER BY e.envelope_id
            LIMIT $3"#,
            workspace_id.as_str(),
            after.map_or(Uuid::nil(), |id| id.0),
            limit,
            SHOWN_AT_MOST,
        )
        .fetch_all(&self.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(QuarantinedEnvelope {
                envelope_id: EnvelopeId(row.envelope_id),
                provider_type: decode::word(ProviderType::parse, "provider_type", &row.provider_type)?,
                provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
                received_at: row.received_at,
                recorded_at: row.recorded_at,
                trace_id: row.trace_id,
                reason: row.reason,
                detail: row.detail,
                replayed_at: row.replayed_at,
                raw_message: row.raw_message,
                raw_message_bytes: row.raw_message_bytes,
            })
        })
        .collect()
    }
}

struct LockedRow {
    envelope_id: Uuid,
    provider_type: String,
    provider_id: String,
    received_at: DateTime<Utc>,
    trace_id: Option<String>,
    recorded_at: DateTime<Utc>,
    bytes: i32,
}

impl TryFrom<LockedRow> for LockedEnvelope {
    type Error = StorageError;

    fn try_from(row: LockedRow) -> Result<Self, StorageError> {
        Ok(Self {
            envelope_id: EnvelopeId(row.envelope_id),
            provider_type: decode::word(ProviderType::parse, "provider_type", &row.provider_type)?,
            provider_id: decode::id(ProviderId::try_new, "provider_id", &row.provider_id)?,
            received_at: row.received_at,
            trace_id: row.trace_id,
            bytes: usize::try_from(row.bytes).unwrap_or_default(),
            recorded_at: row.recorded_at,
        })
    }
}
