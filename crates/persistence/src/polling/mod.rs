//! Poll cycles with their slots, leases and records; the polls that decide whether a circuit is open; the cursors of
//! feeds; and the login sessions of provider accounts.

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
