//! Raw messages of providers, as a transport forwards them: each is taken in once.
//!
//! Read what the messages say; begin under the shared fence; leave out what is known; judge the rest by
//! the one acceptance path; keep envelopes, messages and counts in one statement; commit; answer.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::acceptance::{RejectReason, Rejection};
use domain::envelopes::{EnvelopeItem, EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, WorkspaceId};
use persistence::Fence;
use telemetry::metrics;

use super::accept_updates::{AcceptError, active_workspace};
use super::judge_envelopes::{Prepared, judge_in_tx, prepare};
use super::judged::count_envelopes;
use crate::Core;

/// Envelopes of one workspace, decided in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeBatch<'a> {
    /// Whose.
    pub workspace_id: &'a WorkspaceId,
    /// In the order in which they are decided.
    pub items: &'a [EnvelopeItem<'a>],
    /// The W3C trace id of what brought them; an envelope's own counts more.
    pub trace_id: Option<&'a str>,
}

/// Takes envelopes in; answers item by item, in order, after the commit.
///
/// # Errors
/// [`AcceptError`], with nothing persisted.
pub async fn accept_envelopes(
    core: &Core,
    batch: EnvelopeBatch<'_>,
) -> Result<Vec<EnvelopeVerdict>, AcceptError> {
    let _measured = metrics::query("accept_envelopes");
    let prepared_at = core.clock.now();
    let mut named = HashSet::with_capacity(batch.items.len());
    let first_of_its_id = |envelope: &&ProviderEnvelope<'_>| named.insert(envelope.id);
    let prepared: Vec<Prepared<'_>> = envelopes(batch.items)
        .filter(first_of_its_id)
        .map(prepare)
        .collect();
    // Another transaction that was quicker with an envelope has committed it: each time round there is at
    // least one less to judge.
    let judged = loop {
        if let Some(judged) = judge_and_keep(core, batch, &prepared, prepared_at).await? {
            break judged;
        }
    };
    let verdicts = in_order(batch.items, judged);
    count_envelopes(verdicts.iter());
    Ok(verdicts)
}

/// One transaction; nothing when another one was quicker with one of the envelopes.
async fn judge_and_keep(
    core: &Core,
    batch: EnvelopeBatch<'_>,
    prepared: &[Prepared<'_>],
    prepared_at: DateTime<Utc>,
) -> Result<Option<HashMap<EnvelopeId, EnvelopeVerdict>>, AcceptError> {
    let mut uow = core.store.begin(batch.workspace_id, Fence::Shared).await?;
    let workspace = active_workspace(&mut uow).await?;
    let ids: Vec<EnvelopeId> = prepared.iter().map(|one| one.envelope.id).collect();
    let known = uow.known_envelopes(&ids).await?;
    let new: Vec<&Prepared<'_>> = prepared
        .iter()
        .filter(|one| !known.contains_key(&one.envelope.id))
        .collect();
    let trace_id = batch.trace_id;
    let judged = judge_in_tx(core, &mut uow, &workspace, &new, prepared_at, trace_id).await?;
    let rows: Vec<_> = new.iter().map(|one| one.envelope).zip(&judged).collect();
    let now = core.clock.now();
    if !rows.is_empty() && !uow.store_envelopes(&rows, trace_id, now).await? {
        return Ok(None);
    }
    uow.commit().await?;
    let repeated = known.into_iter().map(|(id, first_outcome)| {
        let verdict = EnvelopeVerdict::Repeated { first_outcome };
        (id, verdict)
    });
    let new = new.iter().map(|one| one.envelope.id).zip(judged);
    Ok(Some(new.chain(repeated).collect()))
}

/// What became of each item. An envelope that is in the batch again repeats the first of them.
fn in_order(
    items: &[EnvelopeItem<'_>],
    mut judged: HashMap<EnvelopeId, EnvelopeVerdict>,
) -> Vec<EnvelopeVerdict> {
    let verdict = |item: &EnvelopeItem<'_>| match item {
        EnvelopeItem::Envelope(envelope) => {
            let verdict = judged.get_mut(&envelope.id)?;
            let first_outcome = match &*verdict {
                EnvelopeVerdict::Repeated { first_outcome } => *first_outcome,
                first => first.outcome(),
            };
            Some(std::mem::replace(
                verdict,
                EnvelopeVerdict::Repeated { first_outcome },
            ))
        }
        EnvelopeItem::Malformed { pointer, detail } => {
            Some(EnvelopeVerdict::NoEnvelope(Rejection {
                reason: RejectReason::Malformed,
                detail: detail.clone(),
                pointer: Some(pointer.clone()),
            }))
        }
    };
    items.iter().filter_map(verdict).collect()
}

fn envelopes<'e>(items: &'e [EnvelopeItem<'e>]) -> impl Iterator<Item = &'e ProviderEnvelope<'e>> {
    items.iter().filter_map(|item| match item {
        EnvelopeItem::Envelope(envelope) => Some(envelope),
        EnvelopeItem::Malformed { .. } => None,
    })
}
