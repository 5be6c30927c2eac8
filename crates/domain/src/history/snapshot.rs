//! A device's snapshot, as it is stored and as it is rebuilt.

use chrono::{DateTime, Utc};

use crate::acceptance::Held;

/// What is held of a device in one activation, and since when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The newest readings, at which version.
    pub held: Held,
    /// When core last accepted an update; nothing where it never did.
    pub last_update_received_at: Option<DateTime<Utc>>,
    /// The newest observation held.
    pub newest_observed_at: Option<DateTime<Utc>>,
}
