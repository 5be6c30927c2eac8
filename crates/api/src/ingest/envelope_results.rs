//! What became of envelopes, as the answers to a batch of them and to a replay tell it.

use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::ids::EnvelopeId;
use serde::Serialize;
use utoipa::ToSchema;

use super::post_updates::{UpdateResult, result};
use crate::openapi::schema;

/// Counts of the outcomes.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct EnvelopeSummary {
    #[schema(example = 1)]
    received: usize,
    #[schema(example = 1)]
    accepted: usize,
    #[schema(example = 0)]
    duplicate: usize,
    #[schema(example = 0)]
    stale: usize,
    #[schema(example = 0)]
    rejected: usize,
    #[schema(example = 0)]
    ignored: usize,
    #[schema(example = 0)]
    quarantined: usize,
}

/// What became of one envelope.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "index": 0, "envelope_id": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a", "outcome": "accepted", "reason": null,
    "updates": [{
        "index": 0, "outcome": "accepted", "reason": null, "device_id": "bus-1401-obu", "message_id": null,
        "ignored_signals": [], "dropped_signals": [],
    }],
}))]
pub(crate) struct EnvelopeResult {
    index: usize,
    #[schema(required, value_type = Option<schema::EnvelopeId>)]
    envelope_id: Option<EnvelopeId>,
    #[schema(value_type = schema::EnvelopeOutcome)]
    outcome: EnvelopeOutcome,
    /// Why it was rejected, ignored or quarantined: a word of an open vocabulary. Of several rejected
    /// updates, the first one's.
    #[schema(required, example = json!(null))]
    reason: Option<&'static str>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// RFC 6901 pointer within the item, where it is malformed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// What has become of the envelope of this id, where it was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EnvelopeOutcome>)]
    first_outcome: Option<EnvelopeOutcome>,
    /// What it brought, in the order of the message.
    updates: Vec<UpdateResult>,
}

/// Shows what became of envelopes, in order.
pub(crate) fn shown(
    verdicts: impl IntoIterator<Item = (Option<EnvelopeId>, EnvelopeVerdict)>,
) -> (EnvelopeSummary, Vec<EnvelopeResult>) {
    let mut summary = EnvelopeSummary::default();
    let results = verdicts
        .into_iter()
        .enumerate()
        .map(|(index, (envelope_id, verdict))| {
            summary.count(verdict.outcome());
            EnvelopeResult::of(index, envelope_id, verdict)
        })
        .collect();
    (summary, results)
}

impl EnvelopeSummary {
    fn count(&mut self, outcome: EnvelopeOutcome) {
        self.received += 1;
        *match outcome {
            EnvelopeOutcome::Accepted => &mut self.accepted,
            EnvelopeOutcome::Duplicate => &mut self.duplicate,
            EnvelopeOutcome::Stale => &mut self.stale,
            EnvelopeOutcome::Rejected => &mut self.rejected,
            EnvelopeOutcome::Ignored => &mut self.ignored,
            EnvelopeOutcome::Quarantined => &mut self.quarantined,
        } += 1;
    }
}

impl EnvelopeResult {
    fn of(index: usize, envelope_id: Option<EnvelopeId>, verdict: EnvelopeVerdict) -> Self {
        let first_outcome = match verdict {
            EnvelopeVerdict::Repeated { first_outcome } => Some(first_outcome),
            _ => None,
        };
        Self {
            index,
            envelope_id,
            outcome: verdict.outcome(),
            reason: verdict.reason(),
            detail: verdict.detail().map(str::to_owned),
            pointer: (verdict.rejection()).and_then(|rejection| rejection.pointer.clone()),
            first_outcome,
            updates: verdict
                .into_updates()
                .into_iter()
                .enumerate()
                .map(|(index, (item, judged))| result(index, item, None, judged))
                .collect(),
        }
    }
}
