//! The move of one snapshot: the accepted updates of one device, and the snapshot that they leave.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Held, KnownDevice, Origin, Update};
use crate::fleet::Device;
use crate::ids::EventId;
use crate::signals::{DroppedSignal, Readings};

/// The accepted updates of one device in one batch, with the snapshot before and after them.
#[derive(Clone, Debug)]
pub struct SnapshotMove<'a> {
    /// The device as it was configured when the batch was judged.
    pub device: Arc<Device>,
    /// The version of the snapshot that the updates were judged against.
    pub replaces_version: i64,
    /// The snapshot after all of the updates.
    pub held: Arc<Held>,
    /// The newest time among the readings of the snapshot after all of the updates.
    pub newest_observed_at: DateTime<Utc>,
    /// The accepted updates in the order in which they were judged; never empty once a batch is decided.
    pub updates: Vec<AcceptedUpdate<'a>>,
}

/// One accepted update, as its event in the history tells it.
#[derive(Clone, Debug)]
pub struct AcceptedUpdate<'a> {
    /// The id of the event, a `UUIDv7`.
    pub event_id: EventId,
    /// The version of the snapshot that this update made.
    pub version: i64,
    /// The update's event time, which is the time of every reading in `newer`.
    pub observed_at: DateTime<Utc>,
    /// The readings that moved the snapshot.
    pub newer: Arc<Readings>,
    /// The signals that the update brought in vain.
    pub dropped: &'a [DroppedSignal],
    /// The envelope and the trace that the update came with.
    pub origin: Origin<'a>,
}

impl<'a> SnapshotMove<'a> {
    /// A move that begins at what is held of a device, for an update that was observed then.
    pub(super) fn new(known: &KnownDevice, observed_at: DateTime<Utc>) -> Self {
        let newest_held = known.held.readings.newest_observed_at();
        Self {
            device: Arc::clone(&known.device),
            replaces_version: known.held.version,
            held: Arc::clone(&known.held),
            newest_observed_at: newest_held.map_or(observed_at, |newest| newest.max(observed_at)),
            updates: Vec::with_capacity(1),
        }
    }

    /// Adds an accepted update, and moves the snapshot by the update's newer readings.
    pub(super) fn accept(
        &mut self,
        update: &'a Update,
        observed_at: DateTime<Utc>,
        newer: &Arc<Readings>,
        origin: Origin<'a>,
        mut next_event_id: impl FnMut() -> EventId,
    ) {
        // The first update copies the snapshot, since the device cache still has it as it was.
        let held = Arc::make_mut(&mut self.held);
        held.accept(newer, &update.dropped);
        // A reading is only ever replaced by a newer one, so the newest time never goes back.
        self.newest_observed_at = self.newest_observed_at.max(observed_at);
        self.updates.push(AcceptedUpdate {
            event_id: next_event_id(),
            version: held.version,
            observed_at,
            newer: Arc::clone(newer),
            dropped: &update.dropped,
            origin,
        });
    }
}
