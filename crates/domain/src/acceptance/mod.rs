//! The judgement of updates: polls and pushed messages take this one path.
//!
//! [`decide`] judges one update against what is configured and what is held. [`decide_batch`] judges the
//! items of a batch in order; each item sees what the items before it changed. Both follow one law: the held
//! readings of a device are the join of all accepted readings, whatever their order, repetition or batching.

mod batch;
mod decide;
mod held;
mod kept;
mod outcome;
mod registry;
mod rejections;
mod update;

#[cfg(test)]
mod tests;

pub use batch::{Judged, decide_batch};
pub use decide::{Gate, admit_connection, decide};
pub use held::{Drops, Held};
pub use kept::{KeptRejection, RejectionFilter};
pub use outcome::{OutcomeWord, RejectReason, Rejection, Verdict};
pub use registry::Registry;
pub use rejections::{
    REJECTIONS_AT_MOST, RejectionKey, RejectionSummary, RejectionTally, tally_rejections,
};
pub use update::{Address, Item, Source, Update};
