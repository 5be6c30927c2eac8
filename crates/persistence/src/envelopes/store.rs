//! Provider envelopes: each kept once, with its raw message and what became of it.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, ProviderId, WorkspaceId};
use uuid::Uuid;

use crate::postgres::{StorageError, Store, UnitOfWork, decode};

/// Characters of a reason for people that are kept.
const DETAIL_AT_MOST: usize = 1_000;
/// Envelopes that one statement forgets.
const FORGOTTEN_AT_ONCE: i64 = 10_000;

/// What came through one connection in one batch.
#[derive(Clone, Copy, Debug)]
struct Arrival<'a> {
    provider_id: &'a ProviderId,
    envelopes: i64,
    accepted: i64,
    quarantined: i64,
    last_received_at: DateTime<Utc>,
}

impl UnitOfWork {
    /// What became of those of the envelopes that are known.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Keeps envelopes, of which none is there twice, with their messages, and counts them for their
    /// connections; those without a trace of their own are in `trace_id`. `false` when another transaction
    /// was quicker with one of them: then this unit of work has judged what was not its to judge, and is to
    /// be given up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_envelopes(
        &mut self,
        judged: &[(&ProviderEnvelope<'_>, EnvelopeVerdict)],
        trace_id: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        // One order of locks for all batches: no two can wait for each other in a circle.
        let mut rows: Vec<_> = judged
            .iter()
            .map(|(envelope, verdict)| (*envelope, verdict))
            .collect();
        rows.sort_unstable_by_key(|(envelope, _)| envelope.id);
        let columns = Columns::of(&rows);
        let arrivals = arrivals(&rows);
        let providers: Vec<&str> = arrivals.iter().map(|a| a.provider_id.as_str()).collect();
        let envelopes: Vec<i64> = arrivals.iter().map(|a| a.envelopes).collect();
        let accepted: Vec<i64> = arrivals.iter().map(|a| a.accepted).collect();
        let quarantined: Vec<i64> = arrivals.iter().map(|a| a.quarantined).collect();
        let last_received_at: Vec<DateTime<Utc>> =
            arrivals.iter().map(|a| a.last_received_at).collect();
        // What arrived is counted after all rows are stored, so that whoever holds a count waits for
        // nobody; and for connections that are configured only, because anything may be named.
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
    /// Forgets the envelopes of a workspace that were recorded before the day `first_kept`; they are found
    /// by their messages, which stay until their days are dropped
    /// ([`Self::drop_raw_message_partitions`]). Some at a time, so that nothing waits for it.
    ///
    /// # Errors
    /// When the store fails; what was forgotten before that stays so.
    pub async fn forget_envelopes(
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

/// Envelopes turned into columns, as `unnest` takes them.
struct Columns<'e> {
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

impl<'e> Columns<'e> {
    fn of(rows: &[(&'e ProviderEnvelope<'e>, &'e EnvelopeVerdict)]) -> Self {
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
            details: verdicts().map(detail_of).collect(),
            raw_messages: envelopes().map(|one| one.raw_message.get()).collect(),
        }
    }
}

/// As it is kept: cut, and without the one character that PostgreSQL's text cannot have.
pub(crate) fn detail_of(verdict: &EnvelopeVerdict) -> Option<String> {
    let kept = |detail: &str| {
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
    verdict.detail().map(kept)
}

/// What came through each connection, in order of their ids.
fn arrivals<'e>(rows: &[(&'e ProviderEnvelope<'e>, &EnvelopeVerdict)]) -> Vec<Arrival<'e>> {
    let mut arrivals: BTreeMap<&ProviderId, Arrival<'e>> = BTreeMap::new();
    for (envelope, verdict) in rows {
        let arrival = arrivals.entry(&envelope.provider_id).or_insert(Arrival {
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
