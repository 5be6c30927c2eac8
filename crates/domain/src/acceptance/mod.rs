//! The judgement of updates: polls and pushed messages take this one path.
//!
//! [`decide`] judges one update against what is configured and what is held. [`decide_batch`] judges a
//! batch item by item, each item after the ones before it, and says which snapshots move. The law behind
//! both: what is held of a device is the join of all accepted readings, whatever their order, repetition
//! or batching.

mod batch;
mod decide;
mod held;
mod kept;
mod outcome;
mod registry;
mod rejections;
mod snapshot_move;
mod update;

#[cfg(test)]
mod tests;

pub use batch::{BatchItem, Decision, Judged, JudgedItem, decide_batch};
pub use decide::{Gate, admit_connection, decide};
pub use held::{Drops, Held};
pub use kept::{KeptRejection, RejectionFilter};
pub use outcome::{OutcomeWord, RejectReason, Rejection, Verdict};
pub use registry::{KnownDevice, Registry};
pub use rejections::{
    REJECTIONS_AT_MOST, RejectionKey, RejectionSummary, RejectionTally, tally_rejections,
};
pub use snapshot_move::{AcceptedUpdate, SnapshotMove};
pub use update::{Address, Item, Origin, Source, Update};
