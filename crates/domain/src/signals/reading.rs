//! Readings: values with the time of their observation, and the join of two readings.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Signal, SignalValue};
use crate::TimeText;
use crate::ids::ProviderId;

/// The value of one signal, and the time at which the provider says it was so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The value, which the catalogue allows.
    pub value: SignalValue,
    /// The provider's event time, UTC, microseconds.
    pub observed_at: DateTime<Utc>,
}

impl Reading {
    /// Compares readings of one signal: by time, then by value. So equal times with different values end the
    /// same, whichever came first.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        self.observed_at
            .cmp(&other.observed_at)
            .then_with(|| self.value.total_cmp(&other.value))
    }
}

/// Compares readings across provider connections: by time, value and provider id. Within one activation of a
/// device the connection never changes, so [`Reading::total_cmp`] is the same order there.
pub fn join_order(a: (&Reading, &ProviderId), b: (&Reading, &ProviderId)) -> Ordering {
    a.0.total_cmp(b.0).then_with(|| a.1.cmp(b.1))
}

/// A set of readings, at most one for each signal: the held state of a device, or the content of an update.
///
/// The JSON is `{"<observed_at>": {"<signal>": value}}`: signals that were observed together share the time,
/// so a polled snapshot is barely larger than its values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings(Vec<(Signal, Reading)>);

impl Readings {
    /// Returns the empty set.
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the empty set, with room for a number of signals.
    pub fn with_capacity(signals: usize) -> Self {
        Self(Vec::with_capacity(signals))
    }

    /// Returns the reading of `signal`, if there is one.
    pub fn get(&self, signal: Signal) -> Option<&Reading> {
        self.position(signal).ok().map(|at| &self.0[at].1)
    }

    /// Returns all readings in the catalogue's order.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, &Reading)> {
        self.0.iter().map(|(signal, reading)| (*signal, reading))
    }

    /// Returns whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the newest time among the readings.
    pub fn newest_observed_at(&self) -> Option<DateTime<Utc>> {
        self.0.iter().map(|(_, reading)| reading.observed_at).max()
    }

    /// Keeps the greater of `reading` and the held reading of `signal`, and returns how `reading` compared
    /// with the held one. This is a join: commutative, associative and idempotent.
    pub fn join(&mut self, signal: Signal, reading: Reading) -> Ordering {
        match self.position(signal) {
            Ok(at) => {
                let held = &mut self.0[at].1;
                let order = reading.total_cmp(held);
                if order.is_gt() {
                    *held = reading;
                }
                order
            }
            Err(at) => {
                self.0.insert(at, (signal, reading));
                Ordering::Greater
            }
        }
    }

    fn position(&self, signal: Signal) -> Result<usize, usize> {
        self.0.binary_search_by_key(&signal, |(signal, _)| *signal)
    }
}

impl FromIterator<(Signal, Reading)> for Readings {
    fn from_iter<I: IntoIterator<Item = (Signal, Reading)>>(readings: I) -> Self {
        let mut joined = Self::empty();
        for (signal, reading) in readings {
            joined.join(signal, reading);
        }
        joined
    }
}

/// The signals that share one time, as a JSON object.
struct Together<'a>(&'a [(Signal, Reading)], DateTime<Utc>);

impl Serialize for Together<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of_this_time = self
            .0
            .iter()
            .filter(|(_, reading)| reading.observed_at == self.1);
        serializer.collect_map(of_this_time.map(|(signal, reading)| (signal.name(), reading.value)))
    }
}

impl Serialize for Readings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut times: Vec<DateTime<Utc>> = self
            .0
            .iter()
            .map(|(_, reading)| reading.observed_at)
            .collect();
        times.sort_unstable();
        times.dedup();
        serializer.collect_map(
            times
                .into_iter()
                .map(|time| (TimeText(time), Together(&self.0, time))),
        )
    }
}

impl<'de> Deserialize<'de> for Readings {
    /// Reads what [`Serialize`] wrote. A signal that the catalogue has dropped since, or whose range
    /// has narrowed, is left out: what cannot be read is unknown, never a guess.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by_time =
            BTreeMap::<String, BTreeMap<String, Box<RawValue>>>::deserialize(deserializer)?;
        let mut readings = Self::empty();
        for (time, signals) in by_time {
            let observed_at = DateTime::parse_from_rfc3339(&time)
                .map_err(D::Error::custom)?
                .to_utc();
            for (name, json) in signals {
                let known = Signal::named(&name)
                    .and_then(|signal| Some((signal, SignalValue::read(signal, &json).ok()??)));
                if let Some((signal, value)) = known {
                    readings.join(signal, Reading { value, observed_at });
                }
            }
        }
        Ok(readings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn any_reading() -> impl Strategy<Value = (Signal, Reading)> {
        let time =
            (0_i64..4).prop_map(|seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let value = prop_oneof![
            (0_u8..3).prop_map(|n| ("speed_kmh", SignalValue::Number(f64::from(n)))),
            any::<bool>().prop_map(|flag| ("plugged_in", SignalValue::Flag(flag))),
            prop_oneof![Just("charging"), Just("error")]
                .prop_map(|word| ("charging_state", SignalValue::Word(word))),
            (1_u8..3, 1_u8..3).prop_map(|(a, b)| (
                "position",
                SignalValue::Position {
                    latitude_deg: f64::from(a),
                    longitude_deg: f64::from(b)
                }
            )),
        ];
        (time, value).prop_map(|(observed_at, (name, value))| {
            (
                Signal::named(name).expect("a catalogue name"),
                Reading { value, observed_at },
            )
        })
    }

    proptest! {
        #[test]
        fn the_join_forgets_order_and_repetition(
            (readings, shuffled) in prop::collection::vec(any_reading(), 0..40)
                .prop_flat_map(|readings| (Just(readings.clone()), Just(readings).prop_shuffle()))
        ) {
            let once: Readings = readings.iter().copied().collect();
            let twice: Readings = shuffled.iter().chain(&readings).copied().collect();
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn joining_in_groups_equals_joining_one_by_one(
            left in prop::collection::vec(any_reading(), 0..20),
            right in prop::collection::vec(any_reading(), 0..20),
        ) {
            let all: Readings = left.iter().chain(&right).copied().collect();
            let mut grouped: Readings = left.into_iter().collect();
            for (signal, reading) in right.into_iter().collect::<Readings>().iter() {
                grouped.join(signal, *reading);
            }
            prop_assert_eq!(all, grouped);
        }

        #[test]
        fn json_gives_back_what_it_took(readings in prop::collection::vec(any_reading(), 0..20)) {
            let readings: Readings = readings.into_iter().collect();
            let json = serde_json::to_string(&readings).expect("readings are JSON");
            prop_assert_eq!(serde_json::from_str::<Readings>(&json).expect("our own JSON"), readings);
        }
    }
}
