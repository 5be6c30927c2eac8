//! Counting what became of updates, once it is committed.

use std::collections::BTreeMap;

use domain::acceptance::{Judged, OutcomeWord, Verdict};
use telemetry::metrics;

/// Counts a batch: one increment for each outcome in it, however many updates it has.
pub(crate) fn count(judged: &[Judged]) {
    let mut counts: BTreeMap<(OutcomeWord, &'static str), u64> = BTreeMap::new();
    for one in judged {
        let reason = match &one.verdict {
            Verdict::Rejected(rejection) => rejection.reason.as_str(),
            _ => "",
        };
        *counts.entry((one.verdict.word(), reason)).or_default() += 1;
    }
    for ((outcome, reason), count) in counts {
        metrics::updates(outcome.as_str(), reason, count);
    }
}
