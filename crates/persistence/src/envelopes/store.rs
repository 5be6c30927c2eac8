//! Storing provider envelopes: each once, with its raw message and its outcome.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// The number of characters of a verdict's detail that are stored.
const DETAIL_AT_MOST: usize = 1_000;
/// The number of envelopes that one statement deletes.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// The counts of the envelopes that came through one connection in one batch.
#[derive(Clone, Copy, Debug)]
struct EnvelopeArrivals<'a> {
    provider_id: &'a ProviderId,
    envelopes: i64,
    accepted: i64,
    quarantined: i64,
    last_received_at: DateTime<Utc>,
}

impl UnitOfWork {
    /// Loads the outcomes of envelopes that are stored already; unknown ids are left out.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn known_envelopes(
        &mut self,
        ids: &[EnvelopeId],
    ) -> Result<HashMap<EnvelopeId, EnvelopeOutcome>, StorageError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        sqlx::query!(
            r#"/* provider_envelopes: those known already */
            SELECT envelope_id, outcome FROM provider_envelopes WHERE workspace_id = $1 AND envelope_id = ANY ($2)"#,
            self.workspace_id.as_str(),
            &ids,
        )
        .fetch_all(&mut *self.tx)
        .await?
        .into_iter()
        .map(|row| {
            let outcome = decode::word(EnvelopeOutcome::parse, "outcome", &row.outcome)?;
            Ok((EnvelopeId(row.envelope_id), outcome))
        })
        .collect()
    }

    /// Stores envelopes with their messages, and counts them for their connections. The ids must be distinct. An
    /// envelope without a trace of its own gets `trace_id`.
    ///
    /// Returns `false` if another transaction has stored one of the envelopes first. Then the caller must drop this
    /// unit of work, because it has decided an envelope that belongs to the other transaction.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn store_envelopes(
        &mut self,
        judged: &[(&ProviderEnvelope<'_>, EnvelopeVerdict)],
        trace_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        // All batches lock rows in the order of ids, which prevents deadlocks between batches.
        let mut rows: Vec<_> = judged
            .iter()
            .map(|(envelope, verdict)| (*envelope, verdict))
            .collect();
        rows.sort_unstable_by_key(|(envelope, _)| envelope.id);
        let columns = EnvelopeColumns::from_envelopes(&rows);
        let arrivals = count_arrivals(&rows);
        let providers: Vec<&str> = arrivals.iter().map(|a| a.provider_id.as_str()).collect();
        let envelopes: Vec<i64> = arrivals.iter().map(|a| a.envelopes).collect();
        let accepted: Vec<i64> = arrivals.iter().map(|a| a.accepted).collect();
        let quarantined: Vec<i64> = arrivals.iter().map(|a| a.quarantined).collect();
        let last_received_at: Vec<DateTime<Utc>> =
            arrivals.iter().map(|a| a.last_received_at).collect();
        // Arrivals are counted after all rows are stored, so that a transaction which holds the lock of a count waits
        // for no other lock. Only configured connections are counted, because a sender may name any connection.
        let stored = sqlx::query_scalar!(
            r#"/* provider_envelopes: store, with their messages and what arrived */
            WITH stored AS (
                INSERT INTO provider_envelopes (
                    workspace_id, envelope_id, recorded_at, provider_type, provider_id, received_at, trace_id,
                    outcome, reason, detail
                )
                SELECT $1, envelope_id, $2, provider_type, provider_id, received_at, coalesce(trace_id, $17), outcome, reason, detail
                FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[])
                  AS envelope (envelope_id, provider_type, provider_id, received_at, trace_id, outcome, reason, detail)
                ON CONFLICT (workspace_id, envelope_id) DO NOTHING
                RETURNING envelope_id
            ), kept AS (
                INSERT INTO raw_messages (workspace_id, recorded_at, envelope_id, raw_message)
                SELECT $1, $2, envelope_id, raw_message
                FROM unnest($3, $11::text[]) AS message (envelope_id, raw_message) JOIN stored USING (envelope_id)
            ), arrived AS (
                INSERT INTO stream_arrivals AS before (workspace_id, provider_id, envelopes, accepted, quarantined, last_received_at)
                SELECT $1, provider_id, envelopes, accepted, quarantined, last_received_at
                FROM unnest($12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::timestamptz[])
                  AS arrival (provider_id, envelopes, accepted, quarantined, last_received_at)
                WHERE (SELECT count(*) FROM stored) = cardinality($3)
                  AND EXISTS (SELECT 1 FROM provider_connections c WHERE c.workspace_id = $1 AND c.provider_id = arrival.provider_id)
                ON CONFLICT (workspace_id, provider_id) DO UPDATE SET
                    envelopes = before.envelopes + excluded.envelopes,
                    accepted = before.accepted + excluded.accepted,
                    quarantined = before.quarantined + excluded.quarantined,
                    last_received_at = greatest(before.last_received_at, excluded.last_received_at)
            )
            SELECT count(*) = cardinality($3) AS "all_stored!" FROM stored"#,
            self.workspace_id.as_str(),
            now,
            &columns.ids,
            &columns.provider_types as &[&str],
            &columns.provider_ids as &[&str],
            &columns.received_at,
            &columns.trace_ids as &[Option<&str>],
            &columns.outcomes as &[&str],
            &columns.reasons as &[Option<&str>],
            &columns.details as &[Option<String>],
            &columns.raw_messages as &[&str],
            &providers as &[&str],
            &envelopes,
            &accepted,
            &quarantined,
            &last_received_at,
            trace_id,
        )
        .fetch_one(&mut *self.tx)
        .await?;
        Ok(stored)
    }
}

impl Store {
    /// Deletes the envelopes of a workspace that were recorded before the day `first_kept`. The envelopes are found by
    /// their messages, which stay until [`Self::drop_raw_message_partitions`]. Each statement deletes a bounded number,
    /// so that other transactions do not wait long.
    ///
    /// # Errors
    /// Returns an error if the store fails; envelopes that were deleted before the failure stay deleted.
    pub async fn delete_envelopes_before(
        &self,
        workspace_id: &WorkspaceId,
        first_kept: NaiveDate,
    ) -> Result<(), StorageError> {
        let before = first_kept.and_time(NaiveTime::MIN).and_utc();
        let mut last = Some((DateTime::UNIX_EPOCH, Uuid::nil()));
        while let Some((recorded_at, envelope_id)) = last {
            last = sqlx::query!(
                r#"/* provider_envelopes: forget some */
                WITH page AS (
                    SELECT recorded_at, envelope_id FROM raw_messages
                    WHERE workspace_id = $1 AND recorded_at < $2 AND (recorded_at, envelope_id) > ($3, $4)
                    ORDER BY recorded_at, envelope_id
                    LIMIT $5
                ), forgotten AS (
                    DELETE FROM provider_envelopes
                    WHERE workspace_id = $1 AND envelope_id = ANY (ARRAY(SELECT envelope_id FROM page)) AND recorded_at < $2
                )
                SELECT recorded_at, envelope_id FROM page ORDER BY recorded_at DESC, envelope_id DESC LIMIT 1"#,
                workspace_id.as_str(),
                before,
                recorded_at,
                envelope_id,
                FORGOTTEN_AT_ONCE,
            )
            .fetch_optional(&self.pool)
            .await?
            .map(|row| (row.recorded_at, row.envelope_id));
        }
        Ok(())
    }
}

/// The columns of a batch of envelopes, as the parameters of `unnest`.
struct EnvelopeColumns<'e> {
    ids: Vec<Uuid>,
    provider_types: Vec<&'e str>,
    provider_ids: Vec<&'e str>,
    received_at: Vec<DateTime<Utc>>,
    trace_ids: Vec<Option<&'e str>>,
    outcomes: Vec<&'e str>,
    reasons: Vec<Option<&'e str>>,
    details: Vec<Option<String>>,
    raw_messages: Vec<&'e str>,
}

impl<'e> EnvelopeColumns<'e> {
    /// Collects the columns of envelopes with their verdicts.
    fn from_envelopes(rows: &[(&'e ProviderEnvelope<'e>, &'e EnvelopeVerdict)]) -> Self {
        let envelopes = || rows.iter().map(|(envelope, _)| *envelope);
        let verdicts = || rows.iter().map(|(_, verdict)| *verdict);
        Self {
            ids: envelopes().map(|one| one.id.0).collect(),
            provider_types: envelopes().map(|one| one.provider_type.as_str()).collect(),
            provider_ids: envelopes().map(|one| one.provider_id.as_str()).collect(),
            received_at: envelopes().map(|one| one.received_at).collect(),
            trace_ids: envelopes()
                .map(|one| one.trace.as_ref().map(|trace| trace.trace_id.as_str()))
                .collect(),
            outcomes: verdicts().map(|one| one.outcome().as_str()).collect(),
            reasons: verdicts().map(EnvelopeVerdict::reason).collect(),
            details: verdicts().map(stored_detail).collect(),
            raw_messages: envelopes().map(|one| one.raw_message.get()).collect(),
        }
    }
}

/// Returns a verdict's detail as it is stored: shortened, and with U+FFFD in the place of NUL, which PostgreSQL's text
/// type cannot hold.
pub(crate) fn stored_detail(verdict: &EnvelopeVerdict) -> Option<String> {
    let storable = |detail: &str| {
        let cut = detail.chars().take(DETAIL_AT_MOST);
        cut.map(|c| {
            if c == '\0' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
    };
    verdict.detail().map(storable)
}

/// Counts the envelopes of each connection, in order of connection ids.
fn count_arrivals<'e>(
    rows: &[(&'e ProviderEnvelope<'e>, &EnvelopeVerdict)],
) -> Vec<EnvelopeArrivals<'e>> {
    let mut arrivals: BTreeMap<&ProviderId, EnvelopeArrivals<'e>> = BTreeMap::new();
    for (envelope, verdict) in rows {
        let arrival = arrivals
            .entry(&envelope.provider_id)
            .or_insert(EnvelopeArrivals {
                provider_id: &envelope.provider_id,
                envelopes: 0,
                accepted: 0,
                quarantined: 0,
                last_received_at: envelope.received_at,
            });
        let outcome = verdict.outcome();
        arrival.envelopes += 1;
        arrival.accepted += i64::from(outcome == EnvelopeOutcome::Accepted);
        arrival.quarantined += i64::from(outcome == EnvelopeOutcome::Quarantined);
        arrival.last_received_at = arrival.last_received_at.max(envelope.received_at);
    }
    arrivals.into_values().collect()
}
