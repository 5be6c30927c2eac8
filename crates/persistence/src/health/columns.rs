//! The columns that all statements about health return, and their decoding. The same types serve health now, health at
//! an earlier instant, and the overview of all workspaces.

use chrono::{DateTime, Utc};
use domain::fleet::ProviderType;
use domain::health::{ActiveDevice, ConnectionFacts, DeviceFacts, LastPoll};
use domain::ids::{DeviceId, ProviderId, VehicleId};
use domain::polling::{ConnectionOutcome, ErrorClass};

use crate::postgres::driver::{IdColumn, TimeColumn};
use crate::postgres::{StorageError, decode};

/// The columns of a device with the times of its last update.
pub(crate) struct DeviceColumns {
    pub(crate) device_id: IdColumn<DeviceId>,
    pub(crate) vehicle_id: IdColumn<VehicleId>,
    pub(crate) provider_id: IdColumn<ProviderId>,
    pub(crate) configured_at: TimeColumn,
    pub(crate) activated_at: TimeColumn,
    pub(crate) last_update_received_at: Option<TimeColumn>,
    pub(crate) newest_observed_at: Option<TimeColumn>,
}

impl From<DeviceColumns> for ActiveDevice {
    /// Converts the columns to a device that is neither absent nor rejected; the caller sets these facts.
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

/// The columns of a connection with its latest finished poll. The poll's columns are `None` if no poll has finished.
pub(crate) struct ConnectionColumns {
    pub(crate) provider_id: String,
    pub(crate) provider_type: String,
    pub(crate) enabled: bool,
    pub(crate) declared_interval_minutes: Option<i32>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) outcome: Option<String>,
    pub(crate) error_class: Option<String>,
}

impl ConnectionColumns {
    /// Decodes the columns into the connection's id and facts.
    pub(crate) fn decode(self) -> Result<(ProviderId, ConnectionFacts), StorageError> {
        let minutes = |minutes| {
            u32::try_from(minutes)
                .map_err(|_| StorageError::corrupt("expected_reporting_interval_minutes", minutes))
        };
        let provider_id = decode::id(ProviderId::try_new, "provider_id", &self.provider_id)?;
        let facts = ConnectionFacts {
            provider_type: decode::word(ProviderType::parse, "provider_type", &self.provider_type)?,
            enabled: self.enabled,
            declared_interval_minutes: self.declared_interval_minutes.map(minutes).transpose()?,
            last_poll: decode_poll(
                self.started_at,
                self.outcome.as_deref(),
                self.error_class.as_deref(),
            )?,
        };
        Ok((provider_id, facts))
    }
}

/// Returns the latest poll, or `None` if its columns are `None`.
fn decode_poll(
    started_at: Option<DateTime<Utc>>,
    outcome: Option<&str>,
    error_class: Option<&str>,
) -> Result<Option<LastPoll>, StorageError> {
    let (Some(started_at), Some(outcome)) = (started_at, outcome) else {
        return Ok(None);
    };
    let class = |class| decode::word(ErrorClass::parse, "error_class", class);
    Ok(Some(LastPoll {
        started_at,
        outcome: decode::word(ConnectionOutcome::parse, "outcome", outcome)?,
        error_class: error_class.map(class).transpose()?,
    }))
}
