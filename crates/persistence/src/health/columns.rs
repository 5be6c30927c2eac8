//! What statements about health answer, read alike whichever asks: of now, as of an instant, or of all
//! workspaces.

use chrono::{DateTime, Utc};
use domain::fleet::ProviderType;
use domain::health::{DeviceFacts, LastPoll};
use domain::ids::{DeviceId, ProviderId, VehicleId};
use domain::polling::{ConnectionOutcome, ErrorClass};

use super::facts::{ConnectionPolling, HealthRow};
use crate::postgres::driver::{IdColumn, TimeColumn};
use crate::postgres::{StorageError, decode};

/// A device with when it was heard of.
pub(crate) struct DeviceColumns {
    pub(crate) device_id: IdColumn<DeviceId>,
    pub(crate) vehicle_id: IdColumn<VehicleId>,
    pub(crate) provider_id: IdColumn<ProviderId>,
    pub(crate) configured_at: TimeColumn,
    pub(crate) activated_at: TimeColumn,
    pub(crate) last_update_received_at: Option<TimeColumn>,
    pub(crate) newest_observed_at: Option<TimeColumn>,
}

impl From<DeviceColumns> for HealthRow {
    /// A device of which nothing is known to be amiss.
    fn from(columns: DeviceColumns) -> Self {
        Self {
            device_id: columns.device_id.0,
            vehicle_id: columns.vehicle_id.0,
            provider_id: columns.provider_id.0,
            configured_at: columns.configured_at.0,
            facts: DeviceFacts {
                activated_at: columns.activated_at.0,
                last_update_received_at: columns.last_update_received_at.map(|TimeColumn(at)| at),
                newest_observed_at: columns.newest_observed_at.map(|TimeColumn(at)| at),
                declared_interval_minutes: None,
            },
            absent: false,
            returned_before_absence_at: None,
            last_rejection: None,
        }
    }
}

/// A connection with its latest finished poll, and when it last gave an answer.
pub(crate) struct PolledColumns {
    pub(crate) provider_id: String,
    pub(crate) provider_type: String,
    pub(crate) enabled: bool,
    pub(crate) declared_interval_minutes: Option<i32>,
    pub(crate) last_poll: PollColumns,
    pub(crate) last_answer_at: Option<DateTime<Utc>>,
}

impl PolledColumns {
    pub(crate) fn read(self) -> Result<ConnectionPolling, StorageError> {
        Ok(ConnectionPolling {
            provider_id: decode::id(ProviderId::try_new, "provider_id", &self.provider_id)?,
            provider_type: decode::word(ProviderType::parse, "provider_type", &self.provider_type)?,
            enabled: self.enabled,
            declared_interval_minutes: declared_interval(self.declared_interval_minutes),
            last_poll: self.last_poll.read()?,
            last_answer_at: self.last_answer_at,
        })
    }
}

/// A poll, where there is one.
pub(crate) struct PollColumns {
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) outcome: Option<String>,
    pub(crate) error_class: Option<String>,
}

impl PollColumns {
    pub(crate) fn read(self) -> Result<Option<LastPoll>, StorageError> {
        let (Some(started_at), Some(outcome)) = (self.started_at, self.outcome) else {
            return Ok(None);
        };
        Ok(Some(LastPoll {
            started_at,
            outcome: decode::word(ConnectionOutcome::parse, "outcome", &outcome)?,
            error_class: self.error_class.as_deref().and_then(ErrorClass::parse),
        }))
    }
}

/// The reporting interval that a connection declares; the domain's rule keeps it above zero.
pub(crate) fn declared_interval(minutes: Option<i32>) -> Option<u32> {
    minutes.and_then(|minutes| u32::try_from(minutes).ok())
}
