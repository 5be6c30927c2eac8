//! Envelopes that were not understood, or were rejected, interpreted once more: after a fix of an
//! interpreter, or of what is configured.
//!
//! Begin under the shared fence; lock the envelopes; read their messages again; judge them by the acceptance path of
//! updates; say what became of each; record who asked; commit. What is still not understood stays.

use std::collections::BTreeMap;

use domain::BrokenInvariant;
use domain::acceptance::{RejectReason, Rejection};
use domain::envelopes::{EnvelopeTrace, EnvelopeVerdict, ProviderEnvelope};
use domain::events::EventType;
use domain::ids::{EnvelopeId, WorkspaceId};
use domain::quarantine::{EnvelopeChoice, ReplaySelection};
use persistence::envelopes::LockedEnvelope;
use persistence::{StorageError, UnitOfWork};
use serde_json::{json, value::RawValue};
use telemetry::metrics;

use super::accept_updates::{AcceptError, load_facts};
use super::judge_envelopes::{Prepared, judge_envelopes, prepare};
use super::outcome_counts::count_envelopes;
use crate::audit::Change;
use crate::{Author, Core};

/// Bytes of the messages of one replay; of a longer one at least one envelope is taken.
const BYTES_AT_MOST: usize = 8 * 1024 * 1024;

/// What a replay came to.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What became of each envelope, in order of id. Of those named, one that does not wait repeats what
    /// became of it.
    pub verdicts: Vec<(EnvelopeId, EnvelopeVerdict)>,
    /// Where to go on, if there may be more.
    pub next_after: Option<EnvelopeId>,
}

/// Interprets envelopes again.
///
/// # Errors
/// [`AcceptError`], with nothing persisted.
pub async fn replay_quarantine(
    core: &Core,
    author: Author<'_>,
    workspace_id: &WorkspaceId,
    selection: ReplaySelection<'_>,
) -> Result<Replay, AcceptError> {
    let _measured = metrics::query("replay_quarantine");
    let mut writer = core.store.begin_acceptance(workspace_id).await?;
    let facts = load_facts(&mut writer, &[]).await?;
    let uow = writer.unit_of_work().await?;
    let mut locked = uow.lock_for_replay(selection).await?;
    let next_after = cut(&mut locked, selection.which);
    let with_messages = read_messages(uow, locked).await?;
    let envelopes: Vec<ProviderEnvelope<'_>> = with_messages
        .iter()
        .map(|(locked, message)| envelope(locked, message))
        .collect();
    let prepared: Vec<Prepared<'_>> = envelopes
        .iter()
        .map(|envelope| prepare(&core.provider_registry, envelope))
        .collect();
    let prepared: Vec<&Prepared<'_>> = prepared.iter().collect();
    let now = core.clock.now();
    let trace_id = author.trace_id;
    let judged = judge_envelopes(core, &mut writer, &facts, &prepared, now, trace_id).await?;
    let mut verdicts: Vec<(EnvelopeId, EnvelopeVerdict)> = judged
        .into_iter()
        .map(|(envelope, verdict)| (envelope.id, verdict))
        .collect();
    let uow = writer.unit_of_work().await?;
    if !verdicts.is_empty() {
        uow.settle_envelopes(&verdicts, now).await?;
        let change = change(selection.which, &verdicts);
        core.record_change(uow, author, change).await?;
    }
    let others = those_that_do_not_wait(uow, selection, next_after, &verdicts).await?;
    writer.commit().await?;
    count_envelopes(verdicts.iter().map(|(_, verdict)| verdict));
    verdicts.extend(others);
    verdicts.sort_unstable_by_key(|(id, _)| *id);
    Ok(Replay {
        verdicts,
        next_after,
    })
}

/// Leaves what one replay can hold in memory; answers where the next one is to go on.
fn cut(locked: &mut Vec<LockedEnvelope>, which: EnvelopeChoice<'_>) -> Option<EnvelopeId> {
    let full = match which {
        EnvelopeChoice::Quarantined { limit, .. } => {
            usize::try_from(limit).is_ok_and(|limit| locked.len() >= limit)
        }
        EnvelopeChoice::Named(_) => false,
    };
    let mut bytes = 0;
    let fitting = locked.iter().take_while(|locked| {
        bytes += locked.bytes;
        bytes <= BYTES_AT_MOST
    });
    let taken = fitting.count().max(1);
    let more = full || locked.len() > taken;
    locked.truncate(taken);
    let last = locked.last().map(|locked| locked.envelope_id);
    last.filter(|_| more)
}

/// Reads the message of each envelope.
async fn read_messages(
    uow: &mut UnitOfWork,
    locked: Vec<LockedEnvelope>,
) -> Result<Vec<(LockedEnvelope, Box<RawValue>)>, AcceptError> {
    let mut texts = uow.raw_messages(&locked).await?;
    let workspace_id = uow.workspace_id();
    let with_message = |locked: LockedEnvelope| {
        // An envelope's row goes before its message does, and a message was JSON when it was kept.
        let broken = |what| BrokenInvariant {
            what,
            workspace_id: workspace_id.clone(),
            ids: format!("envelope {}", locked.envelope_id),
        };
        let text = texts.remove(&locked.envelope_id);
        let text = text.ok_or_else(|| broken("a kept envelope has no message"))?;
        let message = RawValue::from_string(text);
        let message = message.map_err(|_| broken("the message of a kept envelope is not JSON"))?;
        Ok((locked, message))
    };
    locked.into_iter().map(with_message).collect()
}

fn envelope<'m>(locked: &LockedEnvelope, message: &'m RawValue) -> ProviderEnvelope<'m> {
    let trace = |trace_id: &String| EnvelopeTrace {
        trace_id: trace_id.clone(),
        parent_id: None,
    };
    ProviderEnvelope {
        id: locked.envelope_id,
        provider_type: locked.provider_type,
        provider_id: locked.provider_id.clone(),
        received_at: locked.received_at,
        trace: locked.trace_id.as_ref().map(trace),
        raw_message: message,
    }
}

/// Of the envelopes that were named, up to where this replay has come, those that it could not lock.
async fn those_that_do_not_wait(
    uow: &mut UnitOfWork,
    selection: ReplaySelection<'_>,
    next_after: Option<EnvelopeId>,
    locked: &[(EnvelopeId, EnvelopeVerdict)],
) -> Result<Vec<(EnvelopeId, EnvelopeVerdict)>, StorageError> {
    let EnvelopeChoice::Named(named) = selection.which else {
        return Ok(Vec::new());
    };
    let mut others = named.to_vec();
    others.sort_unstable();
    others.dedup();
    others.retain(|id| {
        let looked_at = selection.after.is_none_or(|after| *id > after)
            && next_after.is_none_or(|last| *id <= last);
        looked_at && locked.binary_search_by_key(id, |(id, _)| *id).is_err()
    });
    let known = uow.known_envelopes(&others).await?;
    let verdict = |id: EnvelopeId| match known.get(&id) {
        Some(first_outcome) => EnvelopeVerdict::Repeated {
            first_outcome: *first_outcome,
        },
        None => EnvelopeVerdict::NoEnvelope(Rejection {
            reason: RejectReason::UnknownEnvelope,
            detail: "the workspace has no such envelope, or none any more".to_owned(),
            pointer: None,
        }),
    };
    Ok(others.into_iter().map(|id| (id, verdict(id))).collect())
}

/// Who replayed what, and what that came to; never what a message says.
fn change(
    which: EnvelopeChoice<'_>,
    verdicts: &[(EnvelopeId, EnvelopeVerdict)],
) -> Change<'static> {
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, verdict) in verdicts {
        *outcomes.entry(verdict.outcome().as_str()).or_default() += 1;
    }
    let selection = match which {
        EnvelopeChoice::Quarantined {
            provider_id,
            reason,
            ..
        } => json!({"provider_id": provider_id, "reason": reason}),
        EnvelopeChoice::Named(ids) => json!({"envelope_ids": ids}),
    };
    let payload = json!({
        "selection": selection,
        "envelopes": verdicts.len(),
        "outcomes": outcomes,
    });
    Change::new(EventType::ProviderEnvelopesReplayed, payload)
}
