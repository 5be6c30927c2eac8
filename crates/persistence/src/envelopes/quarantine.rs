//! The quarantine: envelopes that could not be interpreted. They are listed here, and replayed after a fix.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::fleet::ProviderType;
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use domain::quarantine::{EnvelopeChoice, QuarantinedEnvelope, ReplaySelection};
use uuid::Uuid;

use super::store::stored_detail;
use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The number of characters of a raw message that the list shows.
const SHOWN_AT_MOST: i32 = 2_000;

/// An envelope without its message, whose row is locked until the unit of work ends.
#[derive(Clone, Debug)]
pub struct LockedEnvelope {
    /// The id of the envelope.
    pub envelope_id: EnvelopeId,
    /// The provider type that the sender named, which tells how to interpret the message.
    pub provider_type: ProviderType,
    /// The connection that the envelope came through.
    pub provider_id: ProviderId,
    /// The time at which the transport received the envelope.
    pub received_at: DateTime<Utc>,
    /// The W3C trace id of the message, or of the request that delivered the message.
    pub trace_id: Option<String>,
    /// The length of the message in bytes.
    pub bytes: usize,
    /// The recording time, which is part of the message's key.
    recorded_at: DateTime<Utc>,
}

impl UnitOfWork {
    /// Locks the selected envelopes for a replay, in order of id. The call waits for rows that another replay has
    /// locked, and leaves out envelopes that the other replay has settled.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
                    LockedEnvelopeRow,
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
                    LockedEnvelopeRow,
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

    /// Loads the raw messages of locked envelopes.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

    /// Records the new verdicts of replayed envelopes.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
        let details: Vec<Option<String>> =
            judged.iter().map(|(_, one)| stored_detail(one)).collect();
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
    /// Loads a page of the envelopes in quarantine, in order of id.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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

/// The columns of a [`LockedEnvelope`].
struct LockedEnvelopeRow {
    envelope_id: Uuid,
    provider_type: String,
    provider_id: String,
    received_at: DateTime<Utc>,
    trace_id: Option<String>,
    recorded_at: DateTime<Utc>,
    bytes: i32,
}

impl TryFrom<LockedEnvelopeRow> for LockedEnvelope {
    type Error = StorageError;

    fn try_from(row: LockedEnvelopeRow) -> Result<Self, StorageError> {
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
