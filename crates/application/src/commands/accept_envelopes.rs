//! Raw messages of providers, as a transport forwards them: each is taken in once.
//!
//! The messages are interpreted outside of the transaction. Then: leave out what is known; judge the rest by the
//! acceptance path of updates; keep envelopes, messages and counts in one statement; commit.

use std::collections::{HashMap, HashSet};
use std::mem;

use chrono::{DateTime, Utc};
use domain::BrokenInvariant;
use domain::acceptance::{RejectReason, Rejection};
use domain::envelopes::{EnvelopeItem, EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, WorkspaceId};
use telemetry::metrics;

use super::accept_updates::{AcceptError, load_facts};
use super::judge_envelopes::{Prepared, judge_envelopes, prepare};
use super::outcome_counts::count_envelopes;
use crate::Core;

/// Envelopes of one workspace, decided in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeBatch<'a> {
    /// The workspace whose connections the envelopes came through.
    pub workspace_id: &'a WorkspaceId,
    /// The envelopes in the order in which they are decided.
    pub items: &'a [EnvelopeItem<'a>],
    /// The W3C trace id of the request; an envelope's own comes before it.
    pub trace_id: Option<&'a str>,
}

/// An envelope's verdict, with the id that its sender gave it as far as that could be read.
#[derive(Clone, Debug)]
pub struct JudgedEnvelope {
    /// The envelope's id; `None` for an item without one.
    pub envelope_id: Option<EnvelopeId>,
    /// What became of the envelope.
    pub verdict: EnvelopeVerdict,
}

/// Takes envelopes in. Returns a verdict for each item, in order, after the commit.
///
/// # Errors
/// [`AcceptError`], with nothing persisted.
pub async fn accept_envelopes(
    core: &Core,
    batch: EnvelopeBatch<'_>,
) -> Result<Vec<JudgedEnvelope>, AcceptError> {
    let _measured = metrics::query("accept_envelopes");
    let prepared_at = core.clock.now();
    let mut named = HashSet::with_capacity(batch.items.len());
    let first_of_its_id = |envelope: &&ProviderEnvelope<'_>| named.insert(envelope.id);
    let prepared: Vec<Prepared<'_>> = envelopes(batch.items)
        .filter(first_of_its_id)
        .map(|envelope| prepare(&core.provider_registry, envelope))
        .collect();
    // Another transaction that was quicker with an envelope has committed it: each time round there is at
    // least one less to judge.
    let verdicts = loop {
        if let Some(verdicts) = judge_and_keep(core, batch, &prepared, prepared_at).await? {
            break verdicts;
        }
    };
    let judged = in_order(batch, verdicts)?;
    count_envelopes(judged.iter().map(|one| &one.verdict));
    Ok(judged)
}

/// Judges and keeps envelopes in one transaction. Returns `None` if another transaction was quicker with one of them.
async fn judge_and_keep(
    core: &Core,
    batch: EnvelopeBatch<'_>,
    prepared: &[Prepared<'_>],
    prepared_at: DateTime<Utc>,
) -> Result<Option<HashMap<EnvelopeId, EnvelopeVerdict>>, AcceptError> {
    let EnvelopeBatch {
        workspace_id,
        trace_id,
        ..
    } = batch;
    let mut writer = core.store.begin_acceptance(workspace_id).await?;
    let facts = load_facts(&mut writer, &[]).await?;
    let ids: Vec<EnvelopeId> = prepared.iter().map(|one| one.envelope.id).collect();
    let known = writer.unit_of_work().await?.known_envelopes(&ids).await?;
    let new = prepared
        .iter()
        .filter(|one| !known.contains_key(&one.envelope.id));
    let new: Vec<&Prepared<'_>> = new.collect();
    let judged = judge_envelopes(core, &mut writer, &facts, &new, prepared_at, trace_id).await?;
    let now = core.clock.now();
    let unit_of_work = writer.unit_of_work().await?;
    if !judged.is_empty() && !unit_of_work.store_envelopes(&judged, trace_id, now).await? {
        return Ok(None);
    }
    writer.commit().await?;
    let repeated = known
        .into_iter()
        .map(|(id, first_outcome)| (id, EnvelopeVerdict::Repeated { first_outcome }));
    let judged = judged
        .into_iter()
        .map(|(envelope, verdict)| (envelope.id, verdict));
    Ok(Some(judged.chain(repeated).collect()))
}

/// Gives each item its verdict. An envelope that is in the batch again repeats the first of them.
fn in_order(
    batch: EnvelopeBatch<'_>,
    mut verdicts: HashMap<EnvelopeId, EnvelopeVerdict>,
) -> Result<Vec<JudgedEnvelope>, BrokenInvariant> {
    let mut verdict_on = |id: EnvelopeId| {
        let verdict = verdicts.get_mut(&id).ok_or_else(|| BrokenInvariant {
            what: "an envelope of a batch has no verdict",
            workspace_id: batch.workspace_id.clone(),
            ids: format!("envelope {id}"),
        })?;
        let first_outcome = match &*verdict {
            EnvelopeVerdict::Repeated { first_outcome } => *first_outcome,
            first => first.outcome(),
        };
        let repeated = EnvelopeVerdict::Repeated { first_outcome };
        Ok(mem::replace(verdict, repeated))
    };
    let judged = batch.items.iter().map(|item| {
        let (envelope_id, verdict) = match item {
            EnvelopeItem::Envelope(envelope) => (Some(envelope.id), verdict_on(envelope.id)?),
            EnvelopeItem::Malformed {
                envelope_id,
                pointer,
                detail,
            } => {
                let rejection = Rejection {
                    reason: RejectReason::Malformed,
                    detail: detail.clone(),
                    pointer: Some(pointer.clone()),
                };
                (*envelope_id, EnvelopeVerdict::NoEnvelope(rejection))
            }
        };
        Ok(JudgedEnvelope {
            envelope_id,
            verdict,
        })
    });
    judged.collect()
}

fn envelopes<'e>(items: &'e [EnvelopeItem<'e>]) -> impl Iterator<Item = &'e ProviderEnvelope<'e>> {
    items.iter().filter_map(|item| match item {
        EnvelopeItem::Envelope(envelope) => Some(envelope),
        EnvelopeItem::Malformed { .. } => None,
    })
}
