//! The write path of updates, in the order of reading: [`AcceptanceWriter`] loads what a batch is judged by and
//! records what was decided; the device cache saves it most of the loading; one call of the database's moves
//! snapshots and appends events; rejections are kept beside them.

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
