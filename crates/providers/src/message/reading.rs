//! One device's reading: what the messages and answers of every provider are turned into.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::acceptance::{Address, Update};
use domain::ids::{ExternalId, ProviderId};
use domain::signals::{DropReason, DroppedSignal, Signal, SignalValue};
use serde_json::value::RawValue;

/// How many dropped signals one reading reports: the catalogue has fewer signals, and a hostile message any
/// number.
const MAX_DROPPED: usize = 64;

/// What one device reported of one instant, before acceptance has judged it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderReading {
    /// The device's name at its connection.
    pub external_id: ExternalId,
    /// The provider's event time in UTC, to the microsecond. `None` when the time was absent or unreadable;
    /// acceptance refuses such a reading.
    pub observed_at: Option<DateTime<Utc>>,
    /// Values in the catalogue's units, at most one a signal; empty when all were dropped.
    pub signals: Vec<(Signal, SignalValue)>,
    /// The first 64 values that the catalogue does not allow, under the signal's name where there is one.
    pub dropped: Vec<DroppedSignal>,
}

/// The value that was parsed of one signal; `Ok(None)` if it is absent.
pub type ParsedSignal = Result<Option<(Signal, SignalValue)>, DropReason>;

impl ProviderReading {
    /// Makes a reading of one instant without values.
    pub const fn new(external_id: ExternalId, observed_at: Option<DateTime<Utc>>) -> Self {
        Self {
            external_id,
            observed_at,
            signals: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Adds the value that was parsed of the signal of this name. Of several values of one signal the first
    /// counts.
    pub fn add_signal(&mut self, name: &str, parsed: ParsedSignal) {
        match parsed {
            Ok(Some((signal, value))) => {
                if self.signals.iter().all(|(held, _)| *held != signal) {
                    self.signals.push((signal, value));
                }
            }
            Ok(None) => {}
            Err(reason) => {
                if self.dropped.len() < MAX_DROPPED {
                    self.dropped.push(DroppedSignal {
                        signal: name.chars().take(64).collect(),
                        reason,
                    });
                }
            }
        }
    }

    /// Turns the reading into an update of the connection through which it came.
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

/// Groups a vehicle's values by their times: one reading a time, oldest first. Values without a readable time
/// are one more reading, before all others.
pub fn group_by_time<'a>(
    external_id: &ExternalId,
    values: impl IntoIterator<Item = (Option<DateTime<Utc>>, &'a str, ParsedSignal)>,
) -> Vec<ProviderReading> {
    let mut readings: BTreeMap<Option<DateTime<Utc>>, ProviderReading> = BTreeMap::new();
    for (observed_at, name, parsed) in values {
        readings
            .entry(observed_at)
            .or_insert_with(|| ProviderReading::new(external_id.clone(), observed_at))
            .add_signal(name, parsed);
    }
    readings.into_values().collect()
}

/// Parses a JSON value as a value of `signal`; `Ok(None)` is `null`.
pub fn parse_signal(signal: Signal, json: &RawValue) -> Result<Option<SignalValue>, DropReason> {
    match json.get().parse() {
        Ok(number) => signal_of_number(signal, number).map(Some),
        Err(_) => SignalValue::read(signal, json),
    }
}

/// Turns a number into a value of `signal`. A battery that reports a hair above full is full.
pub fn signal_of_number(signal: Signal, number: f64) -> Result<SignalValue, DropReason> {
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
                signal_of_number(signal, given),
                taken.map(SignalValue::Number),
                "{name} {given}"
            );
        }
    }

    #[test]
    fn a_reading_reports_dropped_signals_up_to_a_bound() {
        let external_id = ExternalId::try_new("bus-1").expect("an id");
        let mut reading = ProviderReading::new(external_id, None);
        for number in 0..1_000 {
            reading.add_signal(
                &format!("{number}{}", "x".repeat(1_000)),
                Err(DropReason::UnknownSignal),
            );
        }
        assert_eq!(reading.dropped.len(), MAX_DROPPED);
        assert!(
            reading
                .dropped
                .iter()
                .all(|dropped| dropped.signal.len() == 64)
        );
    }
}
