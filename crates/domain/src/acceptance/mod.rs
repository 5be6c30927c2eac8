//! What becomes of an update, whoever brought it: polls and pushed messages take this one path.
//!
//! [`decide`] judges one update against what is configured and what is held. [`decide_batch`] does so
//! item by item, each seeing what the ones before it changed. The law behind both: what is held of a
//! device is the join of all accepted readings, whatever their order, repetition or batching.

mod batch;
mod decide;
mod held;
mod outcome;
mod registry;
mod rejections;
mod update;

pub use batch::{Judged, decide_batch};
pub use decide::{Gate, admit_connection, decide};
pub use held::{Drops, Held};
pub use outcome::{OutcomeWord, RejectReason, Rejection, Verdict};
pub use registry::Registry;
pub use rejections::{
    REJECTIONS_AT_MOST, Refusals, RejectionKey, RejectionTally, tally_rejections,
};
pub use update::{Address, Item, Source, Update};
