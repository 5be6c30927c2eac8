//! Poll cycles: their slots, leases and records, the polls that circuits are judged by, the cursors of
//! feeds, and the sessions of provider accounts.

mod circuits;
mod closed_cycles;
mod cursors;
mod cycles;
mod leases;
mod provider_sessions;
mod slots;

pub use closed_cycles::ClosedCycle;
pub use cycles::{NewCycle, RecordedTrigger};
pub use leases::{ClaimCandidate, ClaimedCycle};
pub use provider_sessions::StoredProviderSession;
pub use slots::{MissedSlot, PolledWorkspace};
