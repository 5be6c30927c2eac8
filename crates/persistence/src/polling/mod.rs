//! Poll cycles: their slots, leases and records, the polls that circuits are judged by, and the cursors of feeds.

mod circuits;
mod closed_cycles;
mod cursors;
mod cycles;
mod leases;
mod slots;

pub use closed_cycles::ClosedCycle;
pub use cycles::{NewCycle, RecordedTrigger};
pub use leases::{ClaimCandidate, ClaimedCycle};
pub use slots::{MissedSlot, PolledWorkspace};
