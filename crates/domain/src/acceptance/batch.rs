//! Batches: items are judged in array order, each against what the items before it left.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use super::Held;
use super::{
    Gate, Item, Registry, RejectReason, Rejection, Verdict, decide::admit, decide::decide,
};
use crate::ids::DeviceId;

/// One item's verdict, with the device it was about where that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The configured device that the item named.
    pub device_id: Option<DeviceId>,
    /// What became of it.
    pub verdict: Verdict,
}

/// Judges items in order. `held` is moved along: afterwards it holds what the accepted ones left.
/// A device without an entry holds nothing yet.
pub fn decide_batch<'i, S: BuildHasher>(
    items: impl IntoIterator<Item = &'i Item>,
    registry: &Registry,
    held: &mut HashMap<DeviceId, Arc<Held>, S>,
    gate: &Gate,
) -> Vec<Judged> {
    items
        .into_iter()
        .map(|item| judge(item, registry, held, gate))
        .collect()
}

fn judge<S: BuildHasher>(
    item: &Item,
    registry: &Registry,
    held: &mut HashMap<DeviceId, Arc<Held>, S>,
    gate: &Gate,
) -> Judged {
    let update = match item {
        Item::Update(update) => update,
        Item::Malformed { pointer, detail } => {
            let rejection = Rejection {
                reason: RejectReason::Malformed,
                detail: detail.clone(),
                pointer: Some(pointer.clone()),
            };
            return Judged {
                device_id: None,
                verdict: Verdict::Rejected(rejection),
            };
        }
    };
    let device = match admit(update, registry, gate) {
        Ok(device) => device,
        Err(rejection) => {
            return Judged {
                device_id: None,
                verdict: Verdict::Rejected(rejection),
            };
        }
    };
    let held = match held.get_mut(&device.id) {
        Some(held) => held,
        None => held.entry(device.id.clone()).or_default(),
    };
    let verdict = decide(update, &held.readings, gate);
    if let Verdict::Accepted { newer, .. } = &verdict {
        // Others may remember it as it was: they keep that, and this one is a copy.
        Arc::make_mut(held).accept(newer, &update.dropped);
    }
    Judged {
        device_id: Some(device.id.clone()),
        verdict,
    }
}
