//! The metrics of the outcomes of updates and envelopes, counted once the outcomes are committed.

use std::collections::BTreeMap;

use domain::acceptance::{Judged, Verdict};
use domain::envelopes::EnvelopeVerdict;
use telemetry::metrics;

/// Counts the updates of a batch by outcome: one increment for each outcome, however many updates have it.
pub(crate) fn count_judged<'j>(judged: impl IntoIterator<Item = &'j Judged>) {
    let outcomes = judged.into_iter().map(|one| {
        let reason = match &one.verdict {
            Verdict::Rejected(rejection) => rejection.reason.as_str(),
            _ => "",
        };
        (one.verdict.word().as_str(), reason)
    });
    for ((outcome, reason), count) in count_each(outcomes) {
        metrics::updates(outcome, reason, count);
    }
}

/// Counts envelopes and their updates by outcome.
pub(super) fn count_envelopes<'v>(verdicts: impl Iterator<Item = &'v EnvelopeVerdict> + Clone) {
    let updates = verdicts.clone().flat_map(EnvelopeVerdict::updates);
    count_judged(updates.map(|(_, judged)| judged));
    let outcomes = verdicts.map(|one| (one.outcome().as_str(), one.reason().unwrap_or_default()));
    for ((outcome, reason), count) in count_each(outcomes) {
        metrics::envelopes(outcome, reason, count);
    }
}

/// Counts how often each outcome occurs.
fn count_each<T: Ord>(outcomes: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_default() += 1;
    }
    counts
}
