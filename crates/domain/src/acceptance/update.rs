//! Updates as they arrive: their shape has been read, and they have not been judged.

use chrono::{DateTime, Utc};

use crate::ids::{CycleId, DeviceId, EnvelopeId, ExternalId, LeaseToken, ProviderId};
use crate::signals::{DroppedSignal, Signal, SignalValue};

/// The readings of one device at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The device, as the sender names it.
    pub address: Address,
    /// The provider's event time, in UTC and cut to microseconds; `None` when it was absent or unreadable.
    pub observed_at: Option<DateTime<Utc>>,
    /// The values that the catalogue allows, at most one for each signal.
    pub signals: Vec<(Signal, SignalValue)>,
    /// The signals that the catalogue does not allow.
    pub dropped: Vec<DroppedSignal>,
}

/// The way in which an update names its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The update gives the device's id. A connection or external id beside it must agree with the registry.
    Device {
        /// The id of the device.
        device_id: DeviceId,
        /// The connection that the device is said to speak through.
        provider_id: Option<ProviderId>,
        /// The name that the device is said to have at the connection.
        external_id: Option<ExternalId>,
    },
    /// The update gives the device's name at a provider connection.
    External {
        /// The connection.
        provider_id: ProviderId,
        /// The device's name at the connection.
        external_id: ExternalId,
    },
}

/// An element of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// The element has the shape of an update.
    Update(Update),
    /// The element does not have the shape of an update. The rest of the batch is judged all the same.
    Malformed {
        /// An RFC 6901 pointer to the place in the item.
        pointer: String,
        /// The explanation for people.
        detail: String,
    },
}

impl Item {
    /// Returns how the item names its device; `None` for a malformed item.
    pub const fn address(&self) -> Option<&Address> {
        match self {
            Self::Update(update) => Some(&update.address),
            Self::Malformed { .. } => None,
        }
    }
}

/// The envelope and the trace that an update came with; its event names both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The envelope that the update was interpreted from.
    pub envelope_id: Option<EnvelopeId>,
    /// The W3C trace id of the request, cycle or envelope that brought the update.
    pub trace_id: Option<&'a str>,
}

/// Where a batch comes from. A poll's results land only under the lease that fetched them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A machine pushed the batch.
    Push,
    /// A poll cycle fetched the batch.
    Cycle {
        /// The id of the cycle.
        cycle_id: CycleId,
        /// The lease under which the provider was asked.
        lease: LeaseToken,
    },
}

impl Source {
    /// The poll cycle that brings the batch, if one does.
    pub const fn cycle_id(self) -> Option<CycleId> {
        match self {
            Self::Push => None,
            Self::Cycle { cycle_id, .. } => Some(cycle_id),
        }
    }
}
