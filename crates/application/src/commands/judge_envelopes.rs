//! The interpretation of envelopes, and the judgement of their updates by the acceptance path.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use domain::BrokenInvariant;
use domain::acceptance::{
    Item, Judged, Origin, Rejection, Source, admit_connection, tally_rejections,
};
use domain::envelopes::{EnvelopeVerdict, ProviderEnvelope};
use domain::ids::{EnvelopeId, WorkspaceId};
use persistence::StorageError;
use persistence::acceptance::{AcceptanceWriter, BatchFacts};
use providers::{Interpretation, ProviderRegistry};
use telemetry::traces;
use tracing::Span;

use super::accept_updates::{AcceptError, Batch, decide_and_record};
use crate::Core;

/// An envelope whose message has been interpreted.
#[derive(Debug)]
pub(super) struct PreparedEnvelope<'e> {
    /// The envelope as it was sent.
    pub(super) envelope: &'e ProviderEnvelope<'e>,
    /// The result of interpreting the message.
    content: MessageContent,
}

/// The content of a provider's message.
#[derive(Debug)]
enum MessageContent {
    /// The message holds these updates, at least one.
    Updates(Vec<Item>),
    /// The message holds no reading.
    Nothing { reason: &'static str },
    /// The message was not understood.
    Unclear {
        reason: &'static str,
        detail: String,
    },
}

impl PreparedEnvelope<'_> {
    /// Returns the message's updates.
    fn updates(&self) -> &[Item] {
        match &self.content {
            MessageContent::Updates(updates) => updates,
            MessageContent::Nothing { .. } | MessageContent::Unclear { .. } => &[],
        }
    }

    /// Returns the origin of the message's updates: the envelope, and its own trace or else the request's.
    fn origin<'a>(&'a self, trace_id: Option<&'a str>) -> Origin<'a> {
        Origin {
            envelope_id: Some(self.envelope.id),
            trace_id: trace_of(self.envelope).or(trace_id),
        }
    }

    /// Checks that updates may come through the envelope's connection.
    fn admit(&self, facts: &BatchFacts) -> Result<(), Rejection> {
        let ProviderEnvelope {
            provider_id,
            provider_type,
            ..
        } = self.envelope;
        let mode = facts.cutover.provider_mode;
        admit_connection(provider_id, Some(*provider_type), &facts.registry, mode)
    }

    /// Gives the envelope's verdict: a refusal if the connection was not admitted, else the updates with their
    /// verdicts, or the reason for which there are none.
    fn verdict(
        &self,
        workspace_id: &WorkspaceId,
        admission: Result<(), Rejection>,
        judged: Option<Vec<(Item, Judged)>>,
    ) -> Result<EnvelopeVerdict, BrokenInvariant> {
        if let Err(rejection) = admission {
            return Ok(EnvelopeVerdict::refused(
                rejection,
                self.updates().iter().cloned(),
            ));
        }
        Ok(match &self.content {
            MessageContent::Updates(_) => {
                EnvelopeVerdict::Judged(judged.ok_or_else(|| BrokenInvariant {
                    what: "the updates of an envelope have no verdicts",
                    workspace_id: workspace_id.clone(),
                    ids: format!("envelope {}", self.envelope.id),
                })?)
            }
            MessageContent::Nothing { reason } => EnvelopeVerdict::Ignored { reason },
            MessageContent::Unclear { reason, detail } => EnvelopeVerdict::Quarantined {
                reason,
                detail: detail.clone(),
            },
        })
    }
}

/// Interprets an envelope's message, in a span of the envelope's own trace. The log record
/// `TelematicsIngressPayloadPrepared` never holds the text of the message.
pub(super) fn prepare<'e>(
    registry: &ProviderRegistry,
    envelope: &'e ProviderEnvelope<'e>,
) -> PreparedEnvelope<'e> {
    let _entered = span_of(envelope).entered();
    let content = match registry.interpret(envelope.provider_type, envelope.raw_message) {
        Interpretation::Readings(readings) => {
            let updates = readings
                .into_iter()
                .map(|reading| Item::Update(reading.into_update(&envelope.provider_id)));
            MessageContent::Updates(updates.collect())
        }
        Interpretation::Ignored { reason } => MessageContent::Nothing { reason },
        Interpretation::NotUnderstood { reason, detail } => {
            MessageContent::Unclear { reason, detail }
        }
    };
    let (updates, reason) = match &content {
        MessageContent::Updates(updates) => (updates.len(), None),
        MessageContent::Nothing { reason } | MessageContent::Unclear { reason, .. } => {
            (0, Some(*reason))
        }
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
    PreparedEnvelope { envelope, content }
}

/// Returns the id of the envelope's own trace, if it has one.
fn trace_of<'e>(envelope: &'e ProviderEnvelope<'_>) -> Option<&'e str> {
    Some(&envelope.trace.as_ref()?.trace_id)
}

/// Creates the span for an envelope. There is no span for an envelope without a trace of its own, and none where traces
/// are not exported: a batch can have a thousand envelopes.
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

/// Judges envelopes in order, within the writer's unit of work, by `facts` that were loaded in the same unit of work.
/// Records the rejections.
pub(super) async fn judge_envelopes<'p>(
    core: &Core,
    writer: &mut AcceptanceWriter<'_>,
    facts: &BatchFacts,
    prepared: &[&'p PreparedEnvelope<'p>],
    prepared_at: DateTime<Utc>,
    trace_id: Option<&str>,
) -> Result<Vec<(&'p ProviderEnvelope<'p>, EnvelopeVerdict)>, AcceptError> {
    let workspace_id = writer.workspace_id();
    let admitted: Vec<(&PreparedEnvelope<'_>, Result<(), Rejection>)> = prepared
        .iter()
        .map(|one| (*one, one.admit(facts)))
        .collect();
    let items = admitted
        .iter()
        .filter(|(_, admission)| admission.is_ok())
        .flat_map(|(one, _)| {
            one.updates()
                .iter()
                .map(|item| (item, one.origin(trace_id)))
        });
    let batch = Batch::new(workspace_id, Source::Push, prepared_at, items);
    let judged = decide_and_record(core, writer, batch).await?;
    let mut updates: HashMap<EnvelopeId, Vec<(Item, Judged)>> = HashMap::new();
    for one in judged {
        if let Some(envelope_id) = one.source.origin.envelope_id {
            let of_envelope = updates.entry(envelope_id).or_default();
            of_envelope.push((one.source.item.clone(), one.judged));
        }
    }
    let mut verdicts = Vec::with_capacity(prepared.len());
    for (one, admission) in admitted {
        let judged = updates.remove(&one.envelope.id);
        verdicts.push((one.envelope, one.verdict(workspace_id, admission, judged)?));
    }
    keep_rejections(core, writer, &verdicts, trace_id).await?;
    Ok(verdicts)
}

/// Records the rejections of the envelopes' updates, each with the envelope's own trace or else the request's.
async fn keep_rejections(
    core: &Core,
    writer: &mut AcceptanceWriter<'_>,
    verdicts: &[(&ProviderEnvelope<'_>, EnvelopeVerdict)],
    trace_id: Option<&str>,
) -> Result<(), StorageError> {
    let updates = verdicts.iter().flat_map(|(envelope, verdict)| {
        let trace_id = trace_of(envelope).or(trace_id);
        let updates = verdict.updates().iter();
        updates.map(move |(item, judged)| (item, judged, trace_id))
    });
    let rejections = tally_rejections(updates);
    let now = core.clock.now();
    writer.keep_rejections(&rejections, None, now).await
}
