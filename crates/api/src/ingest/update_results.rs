//! The outcome of each update, as answers show it.

use std::borrow::Cow;

use application::commands::JudgedUpdate;
use contract::ingest::{DroppedSignalView, IngestAnswer, IngestSummary, UpdateResult};
use domain::acceptance::{Address, Item, Judged, OutcomeWord, Verdict};
use domain::signals::{DroppedSignal, Signal};

/// Renders the answer to a batch: the outcomes in the order of the batch, and the count of each outcome.
pub(super) fn render_results(updates: Vec<JudgedUpdate>) -> IngestAnswer {
    let mut summary = IngestSummary {
        received: updates.len(),
        ..IngestSummary::default()
    };
    let results = updates
        .into_iter()
        .enumerate()
        .map(|(index, JudgedUpdate { update, judged })| {
            *match judged.verdict.word() {
                OutcomeWord::Accepted => &mut summary.accepted,
                OutcomeWord::Duplicate => &mut summary.duplicate,
                OutcomeWord::Stale => &mut summary.stale,
                OutcomeWord::Rejected => &mut summary.rejected,
            } += 1;
            render_result(index, update.item, update.message_id, judged)
        })
        .collect();
    IngestAnswer { summary, results }
}

/// Renders the outcome of one update.
pub(super) fn render_result(
    index: usize,
    item: Item,
    message_id: Option<String>,
    judged: Judged,
) -> UpdateResult<'static> {
    let outcome = judged.verdict.word();
    let (named_device, dropped) = match item {
        Item::Update(update) => (device_named_by(update.address), update.dropped),
        Item::Malformed { .. } => (None, Vec::new()),
    };
    let known_device = judged.device_id.map(|id| id.to_string());
    let mut result = UpdateResult {
        index,
        outcome: outcome.as_str().into(),
        reason: None,
        detail: None,
        pointer: None,
        device_id: known_device.or(named_device).map(Cow::Owned),
        message_id: message_id.map(Cow::Owned),
        ignored_signals: Vec::new(),
        dropped_signals: dropped.into_iter().map(render_dropped).collect(),
    };
    match judged.verdict {
        Verdict::Accepted { ignored, .. } => {
            let names = ignored.into_iter().map(Signal::name);
            result.ignored_signals = names.map(Cow::Borrowed).collect();
        }
        Verdict::Rejected(rejection) => {
            result.reason = Some(rejection.reason.as_str().into());
            result.detail = Some(rejection.detail.into());
            result.pointer = rejection.pointer.map(Cow::Owned);
        }
        Verdict::Duplicate | Verdict::Stale => {}
    }
    result
}

fn device_named_by(address: Address) -> Option<String> {
    match address {
        Address::Device { device_id, .. } => Some(device_id.to_string()),
        Address::External { .. } => None,
    }
}

fn render_dropped(dropped: DroppedSignal) -> DroppedSignalView<'static> {
    DroppedSignalView {
        signal: dropped.signal.into(),
        reason: dropped.reason.as_str().into(),
    }
}
