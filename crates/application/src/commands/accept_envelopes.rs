//! The command that accepts provider envelopes: raw messages that a transport forwards. Each envelope is accepted once.
//!
//! The messages are interpreted outside of the transaction. The steps within it: leave out known envelopes, judge the
//! other ones by the acceptance path of updates, store envelopes, messages and counts in one statement, commit.

use std::collections::{HashMap, HashSet};
use std::mem;

use chrono::{DateTime, Utc};
use domain::BrokenInvariant;
use domain::acceptance::{RejectReason, Rejection};
use domain::envelopes::{EnvelopeItem, EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, WorkspaceId};
use telemetry::metrics;

use super::accept_updates::{AcceptError, load_facts};
use super::judge_envelopes::{PreparedEnvelope, judge_envelopes, prepare};
use super::outcome_counts::count_envelopes;
use crate::Core;

/// A batch of envelopes of one workspace, decided in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeBatch<'a> {
    /// The workspace whose connections the envelopes came through.
    pub workspace_id: &'a WorkspaceId,
    /// The envelopes in the order in which they are decided.
    pub items: &'a [EnvelopeItem<'a>],
    /// The W3C trace id of the request, for envelopes without a trace id of their own.
    pub trace_id: Option<&'a str>,
}

/// The verdict on an envelope, with the envelope's id if the id could be read.
#[derive(Clone, Debug)]
pub struct JudgedEnvelope {
    /// The envelope's id; `None` if the item has none.
    pub envelope_id: Option<EnvelopeId>,
    /// The verdict on the envelope.
    pub verdict: EnvelopeVerdict,
}

/// Accepts a batch of envelopes. Returns, after the commit, a verdict for each item in the order of the batch.
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
    let prepared: Vec<PreparedEnvelope<'_>> = envelopes(batch.items)
        .filter(first_of_its_id)
        .map(|envelope| prepare(&core.provider_registry, envelope))
        .collect();
    // The loop ends: each repetition means that another transaction has committed one of the envelopes, so that fewer
    // are left to judge.
    let verdicts = loop {
        if let Some(verdicts) = judge_and_store(core, batch, &prepared, prepared_at).await? {
            break verdicts;
        }
    };
    let judged = pair_with_items(batch, verdicts)?;
    count_envelopes(judged.iter().map(|one| &one.verdict));
    Ok(judged)
}

/// Judges and stores envelopes in one transaction. Returns `None`, with nothing stored, if another transaction stored
/// one of the envelopes meanwhile.
async fn judge_and_store(
    core: &Core,
    batch: EnvelopeBatch<'_>,
    prepared: &[PreparedEnvelope<'_>],
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
    let new: Vec<&PreparedEnvelope<'_>> = new.collect();
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

/// Pairs each item of the batch with its verdict. An envelope that is in the batch twice has the verdict `Repeated` the
/// second time.
fn pair_with_items(
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

/// Returns the items that are well-formed envelopes.
fn envelopes<'e>(items: &'e [EnvelopeItem<'e>]) -> impl Iterator<Item = &'e ProviderEnvelope<'e>> {
    items.iter().filter_map(|item| match item {
        EnvelopeItem::Envelope(envelope) => Some(envelope),
        EnvelopeItem::Malformed { .. } => None,
    })
}
