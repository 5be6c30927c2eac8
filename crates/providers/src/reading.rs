//! One device's reading, as every provider's messages and answers come to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, Update};
use domain::ids::{ExternalId, ProviderId};
use domain::signals::{DropReason, DroppedSignal, Signal, SignalValue};
use serde_json::value::RawValue;

/// What could not be kept of one reading is told up to so many signals: the catalogue has fewer, and a
/// hostile message any number.
const DROPPED_AT_MOST: usize = 64;

/// What one device reported of one instant, before acceptance has judged it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderReading {
    /// The device's name at its connection.
    pub external_id: ExternalId,
    /// The provider's event time, UTC, microseconds. `None` when it was absent or unreadable, which is
    /// acceptance's to refuse.
    pub observed_at: Option<DateTime<Utc>>,
    /// In the catalogue's units, at most one value a signal; may be empty when all were dropped.
    pub signals: Vec<(Signal, SignalValue)>,
    /// What the catalogue does not allow, under its own name where it has one; the first 64.
    pub dropped: Vec<DroppedSignal>,
}

/// What was read of one signal; `Ok(None)` is absent.
pub(crate) type Read = Result<Option<(Signal, SignalValue)>, DropReason>;

impl ProviderReading {
    /// Nothing read yet.
    pub(crate) const fn at(external_id: ExternalId, observed_at: Option<DateTime<Utc>>) -> Self {
        Self {
            external_id,
            observed_at,
            signals: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Takes what was read of a signal under this name. Of several readings of one signal the
    /// first counts.
    pub(crate) fn take(&mut self, name: &str, read: Read) {
        match read {
            Ok(Some((signal, value))) => {
                if self.signals.iter().all(|(held, _)| *held != signal) {
                    self.signals.push((signal, value));
                }
            }
            Ok(None) => {}
            Err(reason) => {
                if self.dropped.len() < DROPPED_AT_MOST {
                    self.dropped.push(DroppedSignal {
                        signal: name.chars().take(64).collect(),
                        reason,
                    });
                }
            }
        }
    }

    /// The update that acceptance takes, for the connection through which it came.
    pub fn into_update(self, provider_id: &ProviderId) -> Update {
        Update {
            address: Address::External {
                provider_id: provider_id.clone(),
                external_id: self.external_id,
            },
            observed_at: self.observed_at,
            signals: self.signals,
            dropped: self.dropped,
        }
    }
}

/// One reading a time, oldest first; what has no readable time is one more, before all others.
pub(crate) fn by_time<'a>(
    external_id: &ExternalId,
    values: impl IntoIterator<Item = (Option<DateTime<Utc>>, &'a str, Read)>,
) -> Vec<ProviderReading> {
    let mut readings: BTreeMap<Option<DateTime<Utc>>, ProviderReading> = BTreeMap::new();
    for (observed_at, name, read) in values {
        readings
            .entry(observed_at)
            .or_insert_with(|| ProviderReading::at(external_id.clone(), observed_at))
            .take(name, read);
    }
    readings.into_values().collect()
}

/// Reads a JSON value as `signal`; `Ok(None)` is `null`.
pub(crate) fn value(signal: Signal, json: &RawValue) -> Result<Option<SignalValue>, DropReason> {
    match json.get().parse() {
        Ok(parsed) => number(signal, parsed).map(Some),
        Err(_) => SignalValue::read(signal, json),
    }
}

/// Takes a number as `signal`. A battery that reports a hair above full is full.
pub(crate) fn number(signal: Signal, number: f64) -> Result<SignalValue, DropReason> {
    let full = signal.name() == "state_of_charge_percent" && number > 100.0 && number <= 100.5;
    SignalValue::number(signal, if full { 100.0 } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_state_of_charge_may_be_a_hair_above_full() {
        for (name, given, taken) in [
            ("state_of_charge_percent", 100.5, Ok(100.0)),
            (
                "state_of_charge_percent",
                100.500_1,
                Err(DropReason::OutOfRange),
            ),
            (
                "state_of_health_percent",
                100.4,
                Err(DropReason::OutOfRange),
            ),
        ] {
            let signal = Signal::named(name).expect("a signal");
            assert_eq!(
                number(signal, given),
                taken.map(SignalValue::Number),
                "{name} {given}"
            );
        }
    }

    #[test]
    fn what_was_dropped_is_told_up_to_a_bound() {
        let external_id = ExternalId::try_new("bus-1").expect("an id");
        let mut reading = ProviderReading::at(external_id, None);
        for number in 0..1_000 {
            reading.take(
                &format!("{number}{}", "x".repeat(1_000)),
                Err(DropReason::UnknownSignal),
            );
        }
        assert_eq!(reading.dropped.len(), DROPPED_AT_MOST);
        assert!(
            reading
                .dropped
                .iter()
                .all(|dropped| dropped.signal.len() == 64)
        );
    }
}
