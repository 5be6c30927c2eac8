//! The write path of updates, in the order of reading. [`AcceptanceWriter`] loads the facts that a batch is decided by,
//! and records the decision. The device cache saves most of the loading. One call of a database function moves
//! snapshots and appends events. Rejections are stored in the same transaction.

mod accepted_payload;
mod device_cache;
mod load;
mod record;
mod rejections;
mod writer;

pub use load::BatchFacts;
pub use record::Delivery;
pub use writer::{AcceptanceWriter, Recorded};

pub(crate) use accepted_payload::{CommonMembers, RareMembers};
pub(crate) use device_cache::{CacheSession, DEVICES_AT_MOST, DeviceCache, WorkspaceVersions};
