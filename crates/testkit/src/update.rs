//! Building an update, as a provider or a pushing machine sends it.

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, Item, Judged, Update, Verdict};
use domain::ids::{DeviceId, ExternalId, ProviderId};
use domain::signals::{DropReason, DroppedSignal, Signal, SignalValue};

/// Builds an update.
#[derive(Clone, Debug)]
pub struct UpdateBuilder(Update);

/// Begins an update that names a device by its id, was observed at [`start`](crate::start), and brings no signal yet.
///
/// # Panics
/// If `device_id` is not a device id.
pub fn an_update(device_id: &str) -> UpdateBuilder {
    UpdateBuilder(Update {
        address: Address::Device {
            device_id: DeviceId::try_new(device_id).expect("a device id"),
            provider_id: None,
            external_id: None,
        },
        observed_at: Some(crate::start()),
        signals: Vec::new(),
        dropped: Vec::new(),
    })
}

impl UpdateBuilder {
    /// Names the device by what the provider calls it instead.
    ///
    /// # Panics
    /// If one of the ids is not an id.
    #[must_use]
    pub fn from_unit(mut self, provider_id: &str, external_id: &str) -> Self {
        self.0.address = Address::External {
            provider_id: ProviderId::try_new(provider_id).expect("a provider id"),
            external_id: ExternalId::try_new(external_id).expect("an external id"),
        };
        self
    }

    /// Sets the time at which the update was observed.
    #[must_use]
    pub fn observed(mut self, at: DateTime<Utc>) -> Self {
        self.0.observed_at = Some(at);
        self
    }

    /// Leaves the update without a readable time.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.0.observed_at = None;
        self
    }

    /// Adds a signal, parsed as the HTTP layer parses it: a signal that the catalogue does not allow is dropped.
    ///
    /// # Panics
    /// Never: every JSON value has a text.
    #[must_use]
    pub fn with(mut self, signal: &str, value: impl Into<serde_json::Value>) -> Self {
        let json = serde_json::value::to_raw_value(&value.into()).expect("JSON");
        let read = match Signal::named(signal) {
            None => Err(DropReason::UnknownSignal),
            Some(known) => {
                SignalValue::read(known, &json).map(|value| value.map(|value| (known, value)))
            }
        };
        match read {
            Ok(reading) => self.0.signals.extend(reading),
            Err(reason) => self.0.dropped.push(DroppedSignal {
                signal: signal.to_owned(),
                reason,
            }),
        }
        self
    }
}

impl From<UpdateBuilder> for Item {
    fn from(update: UpdateBuilder) -> Self {
        Self::Update(update.0)
    }
}

/// Returns what became of each item, as a word: `accepted`, `duplicate`, `stale`, or why it was rejected.
pub fn words_of(judged: &[Judged]) -> Vec<&'static str> {
    judged
        .iter()
        .map(|judged| match &judged.verdict {
            Verdict::Rejected(rejection) => rejection.reason.as_str(),
            other => other.word().as_str(),
        })
        .collect()
}
