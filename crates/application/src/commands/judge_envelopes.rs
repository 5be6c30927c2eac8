//! What envelopes say, and what becomes of that: by the one path that updates take.

use std::iter;

use chrono::{DateTime, Utc};
use domain::acceptance::{Item, Source, admit_connection, tally_rejections};
use domain::envelopes::{EnvelopeVerdict, ProviderEnvelope};
use domain::fleet::Workspace;
use persistence::UnitOfWork;
use persistence::acceptance::Origin;
use providers::{Interpretation, interpret};
use telemetry::traces;
use tracing::Span;

use super::accept_updates::{AcceptError, Batch, accept_as_it_stands};
use crate::Core;

/// An envelope whose message has been read.
#[derive(Debug)]
pub(super) struct Prepared<'e> {
    pub(super) envelope: &'e ProviderEnvelope<'e>,
    says: Says,
}

#[derive(Debug)]
enum Says {
    Updates(Vec<Item>),
    Nothing {
        reason: &'static str,
    },
    Unclear {
        reason: &'static str,
        detail: String,
    },
}

impl Prepared<'_> {
    fn updates(&self) -> &[Item] {
        match &self.says {
            Says::Updates(updates) => updates,
            Says::Nothing { .. } | Says::Unclear { .. } => &[],
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin {
            envelope_id: Some(self.envelope.id),
            trace_id: trace_of(self.envelope),
        }
    }
}

/// Reads an envelope's message, as a span of the envelope's own trace. The record of it,
/// `TelematicsIngressPayloadPrepared`, never says what the message said.
pub(super) fn prepare<'e>(envelope: &'e ProviderEnvelope<'e>) -> Prepared<'e> {
    let _entered = span_of(envelope).entered();
    let says = match interpret(envelope.provider_type, envelope.raw_message) {
        Interpretation::Readings(readings) => {
            let updates = readings
                .into_iter()
                .map(|reading| Item::Update(reading.into_update(&envelope.provider_id)));
            Says::Updates(updates.collect())
        }
        Interpretation::Ignored { reason } => Says::Nothing { reason },
        Interpretation::NotUnderstood { reason, detail } => Says::Unclear { reason, detail },
    };
    let (updates, reason) = match &says {
        Says::Updates(updates) => (updates.len(), None),
        Says::Nothing { reason } | Says::Unclear { reason, .. } => (0, Some(*reason)),
    };
    tracing::debug!(
        trace_id = trace_of(envelope),
        envelope_id = %envelope.id,
        provider_id = %envelope.provider_id,
        provider_type = %envelope.provider_type,
        received_at = %envelope.received_at,
        updates,
        reason,
        "TelematicsIngressPayloadPrepared"
    );
    Prepared { envelope, says }
}

fn trace_of<'e>(envelope: &'e ProviderEnvelope<'_>) -> Option<&'e str> {
    Some(&envelope.trace.as_ref()?.trace_id)
}

/// None for an envelope that belongs to its request's trace, nor where nobody would see it: a batch has a
/// thousand.
fn span_of(envelope: &ProviderEnvelope<'_>) -> Span {
    let Some(trace) = envelope.trace.as_ref().filter(|_| traces::are_exported()) else {
        return Span::none();
    };
    let span = tracing::error_span!(
        "prepare_payload",
        envelope_id = %envelope.id,
        provider_id = %envelope.provider_id,
    );
    traces::enter(&span, &trace.trace_id, trace.parent_id.as_deref());
    span
}

/// Judges envelopes, in their order and within the caller's unit of work, which must hold the shared
/// fence.
pub(super) async fn judge_in_tx(
    core: &Core,
    uow: &mut UnitOfWork,
    workspace: &Workspace,
    prepared: &[&Prepared<'_>],
    prepared_at: DateTime<Utc>,
    trace_id: Option<&str>,
) -> Result<Vec<EnvelopeVerdict>, AcceptError> {
    let (registry, _) = uow.load_for_acceptance(iter::empty()).await?;
    let mode = workspace.cutover.provider_mode;
    let (mut items, mut origins) = (Vec::new(), Vec::new());
    let mut refusals = Vec::with_capacity(prepared.len());
    for one in prepared {
        let ProviderEnvelope {
            provider_id,
            provider_type,
            ..
        } = one.envelope;
        let admitted = admit_connection(provider_id, Some(*provider_type), &registry, mode);
        if admitted.is_ok() {
            items.extend_from_slice(one.updates());
            origins.extend(iter::repeat_n(one.origin(), one.updates().len()));
        }
        refusals.push(admitted.err());
    }
    let batch = Batch {
        workspace_id: &workspace.id,
        items: &items,
        source: Source::Push,
        prepared_at,
        trace_id,
        origins: &origins,
    };
    let now = core.clock.now();
    let judged = accept_as_it_stands(core, uow, workspace, batch, now).await?;
    let mut judged = items.into_iter().zip(judged);
    let verdicts = prepared.iter().zip(refusals).map(|(one, refusal)| {
        if let Some(rejection) = refusal {
            return EnvelopeVerdict::refused(rejection, one.updates().iter().cloned());
        }
        match &one.says {
            Says::Updates(updates) => {
                EnvelopeVerdict::Judged(judged.by_ref().take(updates.len()).collect())
            }
            Says::Nothing { reason } => EnvelopeVerdict::Ignored { reason },
            Says::Unclear { reason, detail } => EnvelopeVerdict::Quarantined {
                reason,
                detail: detail.clone(),
            },
        }
    });
    let verdicts: Vec<EnvelopeVerdict> = verdicts.collect();
    let updates = prepared.iter().zip(&verdicts).flat_map(|(one, verdict)| {
        let own = (one.envelope.trace.as_ref()).map(|trace| trace.trace_id.as_str());
        let updates = verdict.updates().iter();
        updates.map(move |(item, judged)| (item, judged, own.or(trace_id)))
    });
    let rejections = tally_rejections(updates);
    uow.keep_rejections(&rejections, None, now).await?;
    Ok(verdicts)
}
