//! The held state of a device: the fold of its accepted updates.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::signals::{DropReason, DroppedSignal, Readings, Signal};

/// The held state of a device in one activation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// The number of accepted updates so far; 0 when nothing is held.
    pub version: i64,
    /// The newest of all accepted readings.
    pub readings: Readings,
    /// The reasons why signals that are not held could not be used when they last came.
    pub drops: Drops,
}

impl Held {
    /// Takes in an accepted update: the readings that are newer, and the signals that were dropped from it.
    pub fn accept(&mut self, newer: &Readings, dropped: &[DroppedSignal]) {
        self.version += 1;
        for (signal, reading) in newer.iter() {
            self.readings.join(signal, *reading);
            self.drops.remove(signal);
        }
        for DroppedSignal { signal, reason } in dropped {
            let wanted =
                Signal::named(signal).filter(|signal| self.readings.get(*signal).is_none());
            if let Some(signal) = wanted {
                self.drops.note(signal, *reason);
            }
        }
    }
}

/// The reasons why signals were dropped, at most one for each signal. The JSON is `{"<signal>": "<reason>"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops(Vec<(Signal, DropReason)>);

impl Drops {
    /// Returns why `signal` was dropped, or `None` if it was not.
    pub fn get(&self, signal: Signal) -> Option<DropReason> {
        let at = self.position(signal).ok()?;
        Some(self.0[at].1)
    }

    /// Returns whether no signal was dropped.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a signal that came without a meaning. A signal of a wrong type says more about its sender, and
    /// is not noted.
    fn note(&mut self, signal: Signal, reason: DropReason) {
        if matches!(reason, DropReason::OutOfRange | DropReason::NotAvailable) {
            match self.position(signal) {
                Ok(at) => self.0[at].1 = reason,
                Err(at) => self.0.insert(at, (signal, reason)),
            }
        }
    }

    fn remove(&mut self, signal: Signal) {
        if let Ok(at) = self.position(signal) {
            self.0.remove(at);
        }
    }

    fn position(&self, signal: Signal) -> Result<usize, usize> {
        self.0.binary_search_by_key(&signal, |(signal, _)| *signal)
    }
}

impl Serialize for Drops {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(signal, reason)| (signal.name(), reason)),
        )
    }
}

impl<'de> Deserialize<'de> for Drops {
    /// Reads what [`Serialize`] wrote; a signal that the catalogue has lost since is left out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DropsVisitor;
        impl<'de> Visitor<'de> for DropsVisitor {
            type Value = Drops;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("reasons by signal")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Drops, A::Error> {
                let mut drops = Drops::default();
                while let Some((name, reason)) = map.next_entry::<String, DropReason>()? {
                    if let Some(signal) = Signal::named(&name) {
                        drops.note(signal, reason);
                    }
                }
                Ok(drops)
            }
        }
        deserializer.deserialize_map(DropsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::{Reading, SignalValue};
    use chrono::{DateTime, TimeDelta};

    fn accept(held: &mut Held, second: i64, values: &[&str], dropped: &[(&str, DropReason)]) {
        let newer = values.iter().map(|name| {
            let reading = Reading {
                value: SignalValue::Number(1.0),
                observed_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second),
            };
            (Signal::named(name).expect("a catalogue name"), reading)
        });
        let dropped: Vec<_> = dropped
            .iter()
            .map(|(signal, reason)| DroppedSignal {
                signal: (*signal).to_owned(),
                reason: *reason,
            })
            .collect();
        held.accept(&newer.collect(), &dropped);
    }

    #[test]
    fn why_a_signal_is_absent_counts_until_it_comes() {
        use DropReason::{NotAvailable, OutOfRange, UnknownSignal, WrongType};
        let mut held = Held::default();
        let drops = |held: &Held| serde_json::to_value(&held.drops).expect("drops are JSON");
        let meaningless = [
            ("range_km", OutOfRange),
            ("odometer_km", NotAvailable),
            ("heading_deg", WrongType),
            ("warp", UnknownSignal),
        ];
        accept(&mut held, 1, &["speed_kmh"], &meaningless);
        let expected =
            serde_json::json!({"range_km": "out_of_range", "odometer_km": "not_available"});
        assert_eq!(drops(&held), expected);
        let read: Drops = serde_json::from_value(expected).expect("our own JSON");
        assert_eq!(read, held.drops);

        accept(&mut held, 2, &["range_km"], &[("odometer_km", OutOfRange)]);
        assert_eq!(
            drops(&held),
            serde_json::json!({"odometer_km": "out_of_range"})
        );

        accept(&mut held, 3, &["odometer_km"], &[("range_km", OutOfRange)]);
        assert_eq!(
            drops(&held),
            serde_json::json!({}),
            "what is held is not absent"
        );
        assert_eq!(held.version, 3);
    }
}
