//! The snapshot of a device, as it is stored and as it is rebuilt.

use chrono::{DateTime, Utc};

use crate::acceptance::Held;

/// The held state of a device in one activation, with the times of its updates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The newest readings, with their version.
    pub held: Held,
    /// The instant at which core last accepted an update; `None` if it never did.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The time of the newest observation that is held.
    pub newest_observed_at: Option<DateTime<Utc>>,
}
