//! Values of signals, read from JSON against the catalogue.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Signal, SignalKind};
use crate::vocabulary::words;

/// A value that the catalogue allows for its signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SignalValue {
    /// A finite number within the signal's range, never negative zero.
    Number(f64),
    /// Either true or false.
    Flag(bool),
    /// One of the words of the signal.
    Word(&'static str),
    /// A pair of WGS 84 degrees.
    Position {
        /// The latitude, from -90 to 90.
        latitude_deg: f64,
        /// The longitude, from -180 to 180.
        longitude_deg: f64,
    },
}

words!(
    /// The reason why a signal of an update was left out; an open vocabulary.
    DropReason {
        /// The catalogue has no signal of this name.
        UnknownSignal = "unknown_signal",
        /// The value has another JSON type than the signal, or is not one of its words.
        WrongType = "wrong_type",
        /// The value is outside of the valid range, or not finite.
        OutOfRange = "out_of_range",
        /// The value is a protocol's sentinel for "no reading".
        NotAvailable = "not_available",
    }
);

/// A signal that was left out of an update whose other signals were used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedSignal {
    /// The name of the signal as the sender wrote it, cut to 64 characters.
    pub signal: String,
    /// The reason of the drop.
    pub reason: DropReason,
}

impl SignalValue {
    /// Reads a JSON value as `signal`. `Ok(None)` is JSON `null`: the value is absent.
    ///
    /// # Errors
    /// [`DropReason`] when the catalogue does not allow the value.
    pub fn read(signal: Signal, json: &RawValue) -> Result<Option<Self>, DropReason> {
        let text = json.get();
        if text == "null" {
            return Ok(None);
        }
        let value = match &signal.spec().kind {
            SignalKind::Number { .. } => Self::number(signal, number(text)?)?,
            SignalKind::Flag => {
                Self::Flag(serde_json::from_str(text).map_err(|_| DropReason::WrongType)?)
            }
            SignalKind::Word(words) => {
                let word: Cow<'_, str> =
                    serde_json::from_str(text).map_err(|_| DropReason::WrongType)?;
                Self::Word(
                    words
                        .iter()
                        .find(|known| **known == word)
                        .ok_or(DropReason::WrongType)?,
                )
            }
            SignalKind::Position => Self::read_position(json)?,
        };
        Ok(Some(value))
    }

    /// Takes a number as `signal`.
    ///
    /// # Errors
    /// [`DropReason`] when the signal is not a number, or the number is a sentinel or out of range.
    pub fn number(signal: Signal, number: f64) -> Result<Self, DropReason> {
        let spec = signal.spec();
        let SignalKind::Number { min, max } = spec.kind else {
            return Err(DropReason::WrongType);
        };
        if (min..=max).contains(&number) {
            // Negative zero would be an equal number with another representation.
            Ok(Self::Number(number + 0.0))
        } else if spec.not_available.contains(&number) {
            Err(DropReason::NotAvailable)
        } else {
            Err(DropReason::OutOfRange)
        }
    }

    /// Takes a pair of WGS 84 degrees as `position`.
    ///
    /// # Errors
    /// [`DropReason::OutOfRange`], also for exactly 0,0.
    pub fn position(latitude_deg: f64, longitude_deg: f64) -> Result<Self, DropReason> {
        let valid =
            (-90.0..=90.0).contains(&latitude_deg) && (-180.0..=180.0).contains(&longitude_deg);
        // 0,0 is what receivers without a fix send; no depot lies in the Gulf of Guinea.
        if valid && (latitude_deg != 0.0 || longitude_deg != 0.0) {
            // Negative zero would be an equal number with another representation.
            Ok(Self::Position {
                latitude_deg: latitude_deg + 0.0,
                longitude_deg: longitude_deg + 0.0,
            })
        } else {
            Err(DropReason::OutOfRange)
        }
    }

    fn read_position(json: &RawValue) -> Result<Self, DropReason> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Degrees<'a> {
            #[serde(borrow)]
            latitude_deg: &'a RawValue,
            #[serde(borrow)]
            longitude_deg: &'a RawValue,
        }
        // serde would take the array form of a struct as well.
        if !json.get().starts_with('{') {
            return Err(DropReason::WrongType);
        }
        let pair: Degrees<'_> =
            serde_json::from_str(json.get()).map_err(|_| DropReason::WrongType)?;
        Self::position(
            number(pair.latitude_deg.get())?,
            number(pair.longitude_deg.get())?,
        )
    }

    /// Compares values of one signal: numbers as numbers, false before true, words by bytes, positions by
    /// latitude, then longitude.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Word(a), Self::Word(b)) => a.as_bytes().cmp(b.as_bytes()),
            (
                Self::Position {
                    latitude_deg: a,
                    longitude_deg: x,
                },
                Self::Position {
                    latitude_deg: b,
                    longitude_deg: y,
                },
            ) => a.total_cmp(b).then(x.total_cmp(y)),
            (a, b) => a.kind_rank().cmp(&b.kind_rank()),
        }
    }

    fn kind_rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Flag(_) => 1,
            Self::Word(_) => 2,
            Self::Position { .. } => 3,
        }
    }
}

/// Parses a JSON number. A number that is too large for 64 bits is infinite here, and so out of every range.
fn number(text: &str) -> Result<f64, DropReason> {
    if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        text.parse().map_err(|_| DropReason::WrongType)
    } else {
        Err(DropReason::WrongType)
    }
}

impl Serialize for SignalValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Degrees {
            latitude_deg: f64,
            longitude_deg: f64,
        }
        match *self {
            Self::Number(number) => serializer.serialize_f64(number),
            Self::Flag(flag) => serializer.serialize_bool(flag),
            Self::Word(word) => serializer.serialize_str(word),
            Self::Position {
                latitude_deg,
                longitude_deg,
            } => Degrees {
                latitude_deg,
                longitude_deg,
            }
            .serialize(serializer),
        }
    }
}

/// The signals of a JSON object, checked against the catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadSignals {
    /// The values that the catalogue allows, at most one for each signal.
    pub valid: Vec<(Signal, SignalValue)>,
    /// The signals that the catalogue does not allow, with the reason.
    pub dropped: Vec<DroppedSignal>,
}

/// Reads a JSON object of signals by name, in one pass: the values that the catalogue allows, and the dropped
/// ones with their reasons. `null` is absent and neither.
///
/// # Errors
/// The error of the deserializer, when the JSON is not an object or names a signal twice.
pub fn read_signals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ReadSignals, D::Error> {
    struct SignalsVisitor;
    impl<'de> Visitor<'de> for SignalsVisitor {
        type Value = ReadSignals;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of signals by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut read = ReadSignals::default();
            let mut seen = 0_u32;
            while let Some(name) = map.next_key::<Name<'de>>()? {
                let json: &RawValue = map.next_value()?;
                let value = match Signal::named(&name.0) {
                    None => Err(DropReason::UnknownSignal),
                    Some(signal) => {
                        let bit = 1 << signal.index();
                        if seen & bit != 0 {
                            return Err(serde::de::Error::custom(format_args!(
                                "duplicate member `{}`",
                                name.0
                            )));
                        }
                        seen |= bit;
                        SignalValue::read(signal, json)
                            .map(|value| value.map(|value| (signal, value)))
                    }
                };
                match value {
                    Ok(Some(reading)) => read.valid.push(reading),
                    Ok(None) => {}
                    Err(reason) => read.dropped.push(DroppedSignal {
                        signal: name.0.chars().take(64).collect(),
                        reason,
                    }),
                }
            }
            Ok(read)
        }
    }
    deserializer.deserialize_map(SignalsVisitor)
}

/// The name of a member, borrowed if it holds no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, json: &str) -> Result<Option<SignalValue>, DropReason> {
        let raw = RawValue::from_string(json.to_owned()).expect("the case is JSON");
        SignalValue::read(Signal::named(name).expect("the case names a signal"), &raw)
    }

    #[test]
    fn a_value_is_read_or_dropped_with_the_reason() {
        use DropReason::{NotAvailable, OutOfRange, WrongType};
        for (name, json, expected) in [
            (
                "state_of_charge_percent",
                "0",
                Ok(Some(SignalValue::Number(0.0))),
            ),
            (
                "state_of_charge_percent",
                "-0.0",
                Ok(Some(SignalValue::Number(0.0))),
            ),
            (
                "state_of_charge_percent",
                "100",
                Ok(Some(SignalValue::Number(100.0))),
            ),
            ("state_of_charge_percent", "100.5", Err(OutOfRange)),
            ("state_of_charge_percent", "255", Err(NotAvailable)),
            ("state_of_charge_percent", "-1", Err(NotAvailable)),
            ("state_of_charge_percent", "1e999", Err(OutOfRange)),
            ("state_of_charge_percent", "\"71\"", Err(WrongType)),
            ("state_of_charge_percent", "[71]", Err(WrongType)),
            ("state_of_charge_percent", "null", Ok(None)),
            (
                "ambient_temperature_celsius",
                "-1",
                Ok(Some(SignalValue::Number(-1.0))),
            ),
            ("speed_kmh", "900", Err(OutOfRange)),
            ("plugged_in", "true", Ok(Some(SignalValue::Flag(true)))),
            ("plugged_in", "1", Err(WrongType)),
            (
                "charging_state",
                "\"charging\"",
                Ok(Some(SignalValue::Word("charging"))),
            ),
            (
                "charging_state",
                "\"ch\\u0061rging\"",
                Ok(Some(SignalValue::Word("charging"))),
            ),
            ("charging_state", "\"Charging\"", Err(WrongType)),
            (
                "position",
                r#"{"latitude_deg":0,"longitude_deg":0}"#,
                Err(OutOfRange),
            ),
            (
                "position",
                r#"{"latitude_deg":0,"longitude_deg":5.1}"#,
                Ok(Some(SignalValue::Position {
                    latitude_deg: 0.0,
                    longitude_deg: 5.1,
                })),
            ),
            (
                "position",
                r#"{"latitude_deg":91,"longitude_deg":5.1}"#,
                Err(OutOfRange),
            ),
            ("position", r#"{"latitude_deg":52}"#, Err(WrongType)),
            (
                "position",
                r#"{"latitude_deg":52,"longitude_deg":5,"altitude_m":3}"#,
                Err(WrongType),
            ),
            ("position", r"[52,5]", Err(WrongType)),
        ] {
            assert_eq!(read(name, json), expected, "{name} {json}");
        }
    }

    #[test]
    fn one_bad_signal_leaves_the_others_alive() {
        let json = r#"{"speed_kmh":900,"soc":1,"odometer_km":12.5,"range_km":null}"#;
        let ReadSignals { valid, dropped } =
            read_signals(&mut serde_json::Deserializer::from_str(json)).expect("an object");
        assert_eq!(
            valid,
            [(
                Signal::named("odometer_km").unwrap(),
                SignalValue::Number(12.5)
            )]
        );
        assert_eq!(
            dropped,
            [
                DroppedSignal {
                    signal: "speed_kmh".into(),
                    reason: DropReason::OutOfRange
                },
                DroppedSignal {
                    signal: "soc".into(),
                    reason: DropReason::UnknownSignal
                },
            ]
        );
    }

    #[test]
    fn a_signal_named_twice_is_not_guessed_at() {
        let json = r#"{"speed_kmh":1,"speed_kmh":2}"#;
        assert!(read_signals(&mut serde_json::Deserializer::from_str(json)).is_err());
    }
}
