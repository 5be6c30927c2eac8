//! The command that interprets envelopes again that were not understood or were rejected, after an interpreter or the
//! configuration was corrected.
//!
//! The steps: begin under the shared fence, lock the envelopes, read their messages again, judge them by the acceptance
//! path of updates, record each verdict and the author, commit. An envelope that is still not understood stays in
//! quarantine.

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
use super::judge_envelopes::{PreparedEnvelope, judge_envelopes, prepare};
use super::outcome_counts::count_envelopes;
use crate::audit::Change;
use crate::{Author, Core};

/// The largest number of bytes of the messages of one replay. A single longer message is replayed alone.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The result of a replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The verdict on each envelope, in order of id. A named envelope that does not wait for a
    /// replay repeats its earlier verdict.
    pub verdicts: Vec<(EnvelopeId, EnvelopeVerdict)>,
    /// The envelope after which the next replay continues; `None` if there are no more.
    pub next_after: Option<EnvelopeId>,
}

/// Interprets the selected envelopes again, and judges their updates.
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
    let next_after = truncate_to_limits(&mut locked, selection.which);
    let with_messages = read_messages(uow, locked).await?;
    let envelopes: Vec<ProviderEnvelope<'_>> = with_messages
        .iter()
        .map(|(locked, message)| restore_envelope(locked, message))
        .collect();
    let prepared: Vec<PreparedEnvelope<'_>> = envelopes
        .iter()
        .map(|envelope| prepare(&core.provider_registry, envelope))
        .collect();
    let prepared: Vec<&PreparedEnvelope<'_>> = prepared.iter().collect();
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
        let change = describe_replay(selection.which, &verdicts);
        core.record_change(uow, author, change).await?;
    }
    let others = judge_not_locked(uow, selection, next_after, &verdicts).await?;
    writer.commit().await?;
    count_envelopes(verdicts.iter().map(|(_, verdict)| verdict));
    verdicts.extend(others);
    verdicts.sort_unstable_by_key(|(id, _)| *id);
    Ok(Replay {
        verdicts,
        next_after,
    })
}

/// Keeps the envelopes that one replay can hold in memory. Returns the envelope after which the next replay continues.
fn truncate_to_limits(
    locked: &mut Vec<LockedEnvelope>,
    which: EnvelopeChoice<'_>,
) -> Option<EnvelopeId> {
    let full = match which {
        EnvelopeChoice::Quarantined { limit, .. } => {
            usize::try_from(limit).is_ok_and(|limit| locked.len() >= limit)
        }
        EnvelopeChoice::Named(_) => false,
    };
    let mut bytes = 0;
    let fitting = locked.iter().take_while(|locked| {
        bytes += locked.bytes;
        bytes <= MAX_BYTES
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
        // An envelope's row is removed before its message, and a message was JSON when it was stored.
        let broken = |what| BrokenInvariant {
            what,
            workspace_id: workspace_id.clone(),
            ids: format!("envelope {}", locked.envelope_id),
        };
        let text = texts.remove(&locked.envelope_id);
        let text = text.ok_or_else(|| broken("a stored envelope has no message"))?;
        let message = RawValue::from_string(text);
        let message =
            message.map_err(|_| broken("the message of a stored envelope is not JSON"))?;
        Ok((locked, message))
    };
    locked.into_iter().map(with_message).collect()
}

/// Restores an envelope from its row and its message.
fn restore_envelope<'m>(locked: &LockedEnvelope, message: &'m RawValue) -> ProviderEnvelope<'m> {
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

/// Gives verdicts on the named envelopes that could not be locked, up to the envelope that this replay ends with.
async fn judge_not_locked(
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

/// Describes a replay for the audit: the selection and the number of envelopes by outcome, never the text of a message.
fn describe_replay(
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
