//! The outcome of each envelope, as answers to a batch and to a replay show it.

use std::borrow::Cow;

use application::commands::JudgedEnvelope;
use contract::provider_ingest::{EnvelopeResult, EnvelopeSummary};
use domain::envelopes::{EnvelopeOutcome, EnvelopeVerdict};
use domain::ids::EnvelopeId;

use super::update_results::render_result;

/// Renders the outcomes of envelopes in the order of the batch, and counts each outcome.
pub(crate) fn render_envelopes(
    judged: impl IntoIterator<Item = JudgedEnvelope>,
) -> (EnvelopeSummary, Vec<EnvelopeResult<'static>>) {
    let mut summary = EnvelopeSummary::default();
    let results = judged
        .into_iter()
        .enumerate()
        .map(|(index, one)| {
            count_outcome(&mut summary, one.verdict.outcome());
            render_envelope(index, one.envelope_id, one.verdict)
        })
        .collect();
    (summary, results)
}

fn count_outcome(summary: &mut EnvelopeSummary, outcome: EnvelopeOutcome) {
    summary.received += 1;
    *match outcome {
        EnvelopeOutcome::Accepted => &mut summary.accepted,
        EnvelopeOutcome::Duplicate => &mut summary.duplicate,
        EnvelopeOutcome::Stale => &mut summary.stale,
        EnvelopeOutcome::Rejected => &mut summary.rejected,
        EnvelopeOutcome::Ignored => &mut summary.ignored,
        EnvelopeOutcome::Quarantined => &mut summary.quarantined,
    } += 1;
}

fn render_envelope(
    index: usize,
    envelope_id: Option<EnvelopeId>,
    verdict: EnvelopeVerdict,
) -> EnvelopeResult<'static> {
    let first_outcome = match verdict {
        EnvelopeVerdict::Repeated { first_outcome } => Some(first_outcome),
        _ => None,
    };
    let pointer = verdict
        .rejection()
        .and_then(|rejection| rejection.pointer.clone());
    EnvelopeResult {
        index,
        envelope_id: envelope_id.map(|id| id.to_string().into()),
        outcome: verdict.outcome().as_str().into(),
        reason: verdict.reason().map(Cow::Borrowed),
        detail: verdict.detail().map(|detail| detail.to_owned().into()),
        pointer: pointer.map(Cow::Owned),
        first_outcome: first_outcome.map(|outcome| outcome.as_str().into()),
        updates: verdict
            .into_updates()
            .into_iter()
            .enumerate()
            .map(|(index, (item, judged))| render_result(index, item, None, judged))
            .collect(),
    }
}
