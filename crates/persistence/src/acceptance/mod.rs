//! The write path of updates: what a batch is decided on, what an instance caches of it, the recording of
//! snapshots and events, and the records of what was rejected.

mod accepted_payload;
mod load;
mod memory;
mod recorded_columns;
mod recording;
mod rejections;
mod remembered;

pub use load::HeldByDevice;
pub use recording::{AcceptedEvent, Delivery, MovedSnapshot, Origin, Recording};
pub use remembered::RememberedWorkspace;

pub(crate) use accepted_payload::{CommonMembers, RareMembers};
pub(crate) use memory::{AcceptanceMemory, DEVICES, Recall, Standing};
