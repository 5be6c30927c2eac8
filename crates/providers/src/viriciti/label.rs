//! Labels: what they mean in the catalogue's signals and units, and how their values are written.

use chrono::{DateTime, Utc};
use domain::signals::{DropReason, Signal, SignalValue};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::{JsonText, ParsedSignal, signal_of_number};

/// A label of a vehicle.
pub(super) struct Label {
    pub(super) name: &'static str,
    meaning: Meaning,
}

/// What a label means in the catalogue's terms.
enum Meaning {
    /// A signal whose value is the label's number times the factor.
    Number { signal: &'static str, factor: f64 },
    /// A pair of degrees.
    Position,
    /// No signal of the catalogue.
    Unused,
}

const fn same(name: &'static str, signal: &'static str) -> Label {
    let meaning = Meaning::Number {
        signal,
        factor: 1.0,
    };
    Label { name, meaning }
}

const fn position(name: &'static str) -> Label {
    let meaning = Meaning::Position;
    Label { name, meaning }
}

const fn unused(name: &'static str) -> Label {
    let meaning = Meaning::Unused;
    Label { name, meaning }
}

/// Every label that is known. Polls ask for the first label of each signal.
static LABELS: [Label; 18] = [
    same("soc", "state_of_charge_percent"),
    same("soc_filtered", "state_of_charge_percent"),
    same("odo", "odometer_km"),
    same("odo_reference", "odometer_km"),
    same("calculated_odo", "odometer_km"),
    position("gps"),
    position("gps_filter"),
    same("speed", "speed_kmh"),
    Label {
        name: "power",
        // Drawn from the battery; the catalogue counts what goes into it.
        meaning: Meaning::Number {
            signal: "battery_power_kw",
            factor: -1.0,
        },
    },
    same("range", "range_km"),
    same("estimated_range_inservice", "range_km"),
    // Of the battery as it is wired; the sign of the current is nowhere proven.
    unused("voltage"),
    unused("current"),
    // A number whose codes nobody has written down.
    unused("energetic_state"),
    // Whether the vehicle is in touch with the provider.
    unused("online_status"),
    unused("alive"),
    // Both begin anew every day, so they are not the counters of the catalogue.
    unused("energy_used_per_day"),
    unused("distance_driven_per_day"),
];

impl Label {
    /// Returns the label of this name, if it is known.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        LABELS.iter().find(|label| label.name == name)
    }

    /// Returns the labels that a poll asks for: one for each signal that there is.
    pub(super) fn polled() -> impl Iterator<Item = (&'static Self, Signal)> {
        LABELS.iter().enumerate().filter_map(|(at, label)| {
            let signal = label.signal()?;
            let first = LABELS[..at]
                .iter()
                .all(|before| before.signal() != Some(signal));
            first.then_some((label, signal))
        })
    }

    /// Returns the label's signal, or `None` if the catalogue has none.
    pub(super) fn signal(&self) -> Option<Signal> {
        match self.meaning {
            Meaning::Number { signal, .. } => Signal::named(signal),
            Meaning::Position => Signal::named("position"),
            Meaning::Unused => None,
        }
    }

    /// Parses a value of this label, which the catalogue has as `signal`.
    pub(super) fn parse(&self, signal: Signal, json: &RawValue) -> ParsedSignal {
        if json.get() == "null" {
            return Ok(None);
        }
        let value = match self.meaning {
            Meaning::Position => parse_position(json)?,
            Meaning::Number { factor, .. } => {
                let sent: f64 = json.get().parse().map_err(|_| DropReason::WrongType)?;
                // Sentinels are sentinels before any conversion.
                if signal.spec().not_available.contains(&sent) {
                    return Err(DropReason::NotAvailable);
                }
                signal_of_number(signal, sent * factor)?
            }
            Meaning::Unused => return Ok(None),
        };
        Ok(Some((signal, value)))
    }
}

/// Parses a position: `"52.0934486|5.1173782"` as vehicles have it, or `{"lat":52.0934486,"lon":5.1173782}` as the
/// vendor's own gateway writes it.
fn parse_position(json: &RawValue) -> Result<SignalValue, DropReason> {
    #[derive(Deserialize)]
    struct Degrees {
        lat: f64,
        lon: f64,
    }
    let text = json.get();
    if text.starts_with('"') {
        let JsonText(pair) = serde_json::from_str(text).map_err(|_| DropReason::WrongType)?;
        let (latitude, longitude) = pair.split_once('|').ok_or(DropReason::WrongType)?;
        let degrees = |text: &str| text.trim().parse().map_err(|_| DropReason::WrongType);
        SignalValue::position(degrees(latitude)?, degrees(longitude)?)
    } else if text.starts_with('{') {
        let Degrees { lat, lon } = serde_json::from_str(text).map_err(|_| DropReason::WrongType)?;
        SignalValue::position(lat, lon)
    } else {
        Err(DropReason::WrongType)
    }
}

/// Parses an event time: Unix milliseconds, UTC. Returns `None` for anything else and for a year that no RFC 3339
/// time has. A time in seconds is one of January 1970, which acceptance refuses.
pub(super) fn parse_time(json: &RawValue) -> Option<DateTime<Utc>> {
    let text = json.get();
    let time = match text.parse() {
        Ok(milliseconds) => DateTime::from_timestamp_millis(milliseconds),
        Err(_) => DateTime::from_timestamp_micros(microseconds(text.parse().ok()?)),
    };
    time.filter(|time| (0..=LAST_SECOND).contains(&time.timestamp()))
}

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;

#[expect(
    clippy::cast_possible_truncation,
    reason = "a fraction of a microsecond is cut off, and what does not fit saturates far beyond the last year"
)]
fn microseconds(milliseconds: f64) -> i64 {
    (milliseconds * 1_000.0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    fn parse(name: &str, json: &str) -> Result<Option<SignalValue>, DropReason> {
        let label = Label::named(name).expect("a known label");
        let signal = label.signal().expect("a signal");
        let parsed = label.parse(signal, &raw(json))?;
        Ok(parsed.map(|(_, value)| value))
    }

    #[test]
    fn every_label_that_is_used_names_a_signal_of_the_catalogue() {
        for label in &LABELS {
            assert_eq!(
                label.signal().is_none(),
                matches!(label.meaning, Meaning::Unused),
                "{}",
                label.name
            );
        }
    }

    #[test]
    fn a_poll_asks_for_each_signal_once() {
        let asked: Vec<_> = Label::polled().map(|(label, _)| label.name).collect();
        assert_eq!(asked, ["soc", "odo", "gps", "speed", "power", "range"]);
    }

    #[test]
    fn values_come_in_the_catalogues_units_and_signs() {
        use DropReason::{NotAvailable, OutOfRange, WrongType};
        for (label, json, expected) in [
            ("soc", "72.8", Ok(Some(72.8))),
            ("soc_filtered", "72", Ok(Some(72.0))),
            ("soc", "100.4", Ok(Some(100.0))),
            ("soc", "0", Ok(Some(0.0))),
            ("soc", "255", Err(NotAvailable)),
            ("soc", "-1", Err(NotAvailable)),
            ("soc", "101", Err(OutOfRange)),
            ("soc", "1e999", Err(OutOfRange)),
            ("soc", "null", Ok(None)),
            ("soc", "\"72.8\"", Err(WrongType)),
            ("soc", "true", Err(WrongType)),
            ("soc", "[72.8]", Err(WrongType)),
            ("odo", "187086.055", Ok(Some(187_086.055))),
            ("calculated_odo", "4294967295", Err(NotAvailable)),
            ("speed", "44.8", Ok(Some(44.8))),
            ("speed", "201", Err(OutOfRange)),
            ("power", "-41.2", Ok(Some(41.2))),
            ("power", "113", Ok(Some(-113.0))),
            ("power", "0", Ok(Some(0.0))),
            ("power", "65535", Err(NotAvailable)),
            ("range", "212", Ok(Some(212.0))),
            ("estimated_range_inservice", "-1", Err(NotAvailable)),
        ] {
            assert_eq!(
                parse(label, json),
                expected.map(|number| number.map(SignalValue::Number)),
                "{label} {json}"
            );
        }
    }

    #[test]
    fn a_position_comes_in_two_shapes() {
        use DropReason::{OutOfRange, WrongType};
        let utrecht = Ok(Some(SignalValue::Position {
            latitude_deg: 52.093_448_6,
            longitude_deg: 5.117_378_2,
        }));
        for (json, expected) in [
            (r#""52.0934486|5.1173782""#, utrecht),
            (r#"" 52.0934486 | 5.1173782 ""#, utrecht),
            (r#""52.0934486\u007c5.1173782""#, utrecht),
            (r#"{"lat":52.0934486,"lon":5.1173782}"#, utrecht),
            (r#"{"lon":5.1173782,"alt":3,"lat":52.0934486}"#, utrecht),
            ("null", Ok(None)),
            (r#""0|0""#, Err(OutOfRange)),
            (r#""0.0|-0.0""#, Err(OutOfRange)),
            (r#""91|5""#, Err(OutOfRange)),
            (r#""NaN|5""#, Err(OutOfRange)),
            (r#""inf|5""#, Err(OutOfRange)),
            (r#"{"lat":52,"lon":181}"#, Err(OutOfRange)),
            (r#""52.0934486,5.1173782""#, Err(WrongType)),
            (r#""52|5|3""#, Err(WrongType)),
            (r#""|""#, Err(WrongType)),
            (r#""""#, Err(WrongType)),
            (r#"{"lat":52}"#, Err(WrongType)),
            (r#"{"lat":"52","lon":"5"}"#, Err(WrongType)),
            ("[52,5]", Err(WrongType)),
            ("52", Err(WrongType)),
        ] {
            assert_eq!(parse("gps", json), expected, "{json}");
        }
    }

    #[test]
    fn a_time_is_in_milliseconds() {
        for (json, expected) in [
            ("1795420500412", Some("2026-11-23T07:55:00.412Z")),
            ("1795420500412.5", Some("2026-11-23T07:55:00.412500Z")),
            ("1.795420500412e12", Some("2026-11-23T07:55:00.412Z")),
            ("1795420500", Some("1970-01-21T18:43:40.500Z")),
            ("0", Some("1970-01-01T00:00:00Z")),
            ("253402300799999", Some("9999-12-31T23:59:59.999Z")),
            ("253402300800000", None),
            ("9223372036854775808", None),
            ("1e400", None),
            ("-1", None),
            ("null", None),
            (r#""1795420500412""#, None),
            (r#""2026-11-23T07:55:00Z""#, None),
            ("{}", None),
        ] {
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().expect("a time"));
            assert_eq!(parse_time(&raw(json)), expected, "{json}");
        }
    }
}
