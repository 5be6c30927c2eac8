//! PostgreSQL: the only crate with SQL.
//!
//! Commands write through a [`UnitOfWork`], or at once through a [`RememberedWorkspace`]; queries read through
//! the [`Store`]. One file a noun; each statement is named by the comment at its head and checked against the
//! schema at compile time.
//!
//! Invariants kept here: a transaction writes one workspace; a change of flags, devices or leases
//! fences what was decided under the old state; an event is appended if and only if a snapshot moved.

mod acceptance;
mod accepted_payload;
mod ages;
mod as_of;
mod audit;
mod baselines;
mod bulk;
mod circuits;
mod closed_cycles;
mod connections;
mod cursors;
mod cutover;
mod decode;
mod devices;
mod envelopes;
mod error;
mod events;
mod first_reports;
mod follow_ups;
mod freshness;
mod health;
mod health_columns;
mod id;
mod idempotency;
mod indicators;
mod issues;
mod kept;
mod leases;
mod memory;
mod moment;
mod overview;
mod partitions;
mod poll_cycles;
mod quarantine;
mod rebuild;
mod recorded_columns;
mod recording;
mod rejections;
mod remembered;
mod retention;
mod schedules;
mod slots;
mod snapshots;
mod store;
mod streams;
mod sweeps;
mod transaction;
mod unit_of_work;
mod worklist;
mod workspaces;

pub use acceptance::HeldByDevice;
pub use ages::AgeGroup;
pub use audit::{ChangeFilter, RecordedChange};
pub use closed_cycles::ClosedCycle;
pub use connections::ConnectionChange;
pub use cutover::CutoverChange;
pub use devices::DeviceFilter;
pub use error::StorageError;
pub use events::{Event, EventFilter, EventSpan, ExportEvent, RecordedEvent};
pub use health::{ConnectionPolling, HealthRow, WorkspaceHealthFacts};
pub use idempotency::{KeptAnswer, KeyName, KeyRecord};
pub use indicators::{LatestUpdate, PolledDevices, SlotRecord, WindowSums};
pub use issues::{ConnectionEvidence, IssueFacts};
pub use leases::{ClaimCandidate, ClaimedCycle};
pub use overview::{Cuts, DevicesByState, LatestCycle, PolledConnection};
pub use poll_cycles::{NewCycle, PollCycle, RecordedTrigger};
pub use quarantine::{LockedEnvelope, QuarantinedEnvelope, ReplaySelection, Replayed};
pub use rebuild::{HistoryStart, RebuiltDevice};
pub use recording::{AcceptedEvent, Delivery, MovedSnapshot, Origin, Recording};
pub use rejections::{KeptRejection, RejectionFilter};
pub use remembered::RememberedWorkspace;
pub use slots::{MissedSlot, PolledWorkspace};
pub use snapshots::SnapshotRow;
pub use store::{Page, PoolUse, Store};
pub use sweeps::{ClaimedSweep, SweepRecord};
pub use unit_of_work::{Fence, UnitOfWork};
pub use worklist::{SilenceQuery, WorkspacePolling};
pub use workspaces::{CutoverRecord, PolicyRecord, WorkspaceRecord};
