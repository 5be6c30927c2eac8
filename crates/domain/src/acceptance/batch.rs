//! Batches: items are judged in array order, each against what the items before it left.

use std::collections::BTreeMap;

use super::decide::{admit, decide};
use super::{Gate, Item, Origin, Registry, RejectReason, Rejection, SnapshotMove, Verdict};
use crate::ids::{DeviceId, EventId};

/// An item of a batch, with its place in the batch and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// The item's place in the order of the batch.
    pub position: usize,
    /// The item as it was read.
    pub item: &'a Item,
    /// The envelope and the trace that the item came with.
    pub origin: Origin<'a>,
}

/// One item's verdict, with the device it was about where that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The configured device that the item named.
    pub device_id: Option<DeviceId>,
    /// What became of it.
    pub verdict: Verdict,
}

/// An item of a batch together with its verdict.
#[derive(Clone, Debug)]
pub struct JudgedItem<'a> {
    /// The item that was judged.
    pub source: BatchItem<'a>,
    /// The verdict on the item.
    pub judged: Judged,
}

/// What a batch comes to: a verdict for each item, and the snapshots that move.
#[derive(Clone, Debug)]
pub struct Decision<'a> {
    /// The items with their verdicts, in the order in which they were judged.
    pub items: Vec<JudgedItem<'a>>,
    /// The snapshots that accepted updates move, in order of their device ids: the one order in which
    /// every batch locks rows, so that no two batches wait for each other in a circle.
    pub moves: Vec<SnapshotMove<'a>>,
}

impl Decision<'_> {
    /// Returns whether any item was rejected.
    pub fn rejects_any(&self) -> bool {
        self.items
            .iter()
            .any(|one| matches!(one.judged.verdict, Verdict::Rejected(_)))
    }
}

/// Judges items in order. Each accepted update gets the next event id.
pub fn decide_batch<'a>(
    items: impl IntoIterator<Item = BatchItem<'a>>,
    registry: &Registry,
    gate: &Gate,
    mut next_event_id: impl FnMut() -> EventId,
) -> Decision<'a> {
    let mut moves = BTreeMap::new();
    let items = items
        .into_iter()
        .map(|source| JudgedItem {
            judged: judge(&source, registry, gate, &mut moves, &mut next_event_id),
            source,
        })
        .collect();
    Decision {
        items,
        moves: moves.into_values().collect(),
    }
}

fn judge<'a>(
    source: &BatchItem<'a>,
    registry: &Registry,
    gate: &Gate,
    moves: &mut BTreeMap<DeviceId, SnapshotMove<'a>>,
    next_event_id: impl FnMut() -> EventId,
) -> Judged {
    let rejected = |rejection| Judged {
        device_id: None,
        verdict: Verdict::Rejected(rejection),
    };
    let update = match source.item {
        Item::Update(update) => update,
        Item::Malformed { pointer, detail } => {
            return rejected(Rejection {
                reason: RejectReason::Malformed,
                detail: detail.clone(),
                pointer: Some(pointer.clone()),
            });
        }
    };
    let known = match admit(update, registry, gate) {
        Ok(known) => known,
        Err(rejection) => return rejected(rejection),
    };
    let device_id = known.device.id.clone();
    let held = moves
        .get(&device_id)
        .map_or(&known.held, |moved| &moved.held);
    let verdict = decide(update, &held.readings, gate);
    if let Verdict::Accepted {
        observed_at, newer, ..
    } = &verdict
    {
        moves
            .entry(device_id.clone())
            .or_insert_with(|| SnapshotMove::new(known, *observed_at))
            .accept(update, *observed_at, newer, source.origin, next_event_id);
    }
    Judged {
        device_id: Some(device_id),
        verdict,
    }
}
