//! An update as it arrives, after its shape has been read and before it has been judged.

use chrono::{DateTime, Utc};

use crate::ids::{CycleId, DeviceId, ExternalId, LeaseToken, ProviderId};
use crate::signals::{DroppedSignal, Signal, SignalValue};

/// One reading of one device, of any number of signals.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Whose.
    pub address: Address,
    /// The provider's event time, UTC, microseconds. `None` when it was absent or unreadable.
    pub observed_at: Option<DateTime<Utc>>,
    /// What the catalogue allows; at most one value a signal.
    pub signals: Vec<(Signal, SignalValue)>,
    /// What it does not allow.
    pub dropped: Vec<DroppedSignal>,
}

/// How an update names its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By our id; what else is given must agree with the registry.
    Device {
        /// The device.
        device_id: DeviceId,
        /// The connection it is said to speak through.
        provider_id: Option<ProviderId>,
        /// The name it is said to have there.
        external_id: Option<ExternalId>,
    },
    /// By its name at a provider connection.
    External {
        /// The connection.
        provider_id: ProviderId,
        /// The device's name there.
        external_id: ExternalId,
    },
}

/// An element of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Of the right shape.
    Update(Update),
    /// Not of the shape; the rest of the batch does not suffer for it.
    Malformed {
        /// RFC 6901 pointer within the item.
        pointer: String,
        /// For people.
        detail: String,
    },
}

impl Item {
    /// How it names its device, if it is of the shape.
    pub const fn address(&self) -> Option<&Address> {
        match self {
            Self::Update(update) => Some(&update.address),
            Self::Malformed { .. } => None,
        }
    }
}

/// Where a batch comes from. A poll's results land only under the lease that fetched them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A machine's push.
    Push,
    /// A poll cycle.
    Cycle {
        /// Which.
        cycle_id: CycleId,
        /// The lease under which the provider was asked.
        lease: LeaseToken,
    },
}
