//! The event store: appending and reading events, daily baselines, rebuilding snapshots from events, the audit trail,
//! and the removal of records past their retention.

mod audit;
mod baselines;
mod events;
mod rebuild;
mod retention;

pub use events::{Event, EventSpan, ExportEvent};
pub use rebuild::{HistoryStart, RebuiltDevice};
