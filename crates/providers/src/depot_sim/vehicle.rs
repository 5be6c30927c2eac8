//! One vehicle of the native protocol: on a page of a poll's answer, or as a message of its own.

use chrono::{DateTime, SubsecRound, Utc};
use domain::ids::ExternalId;
use domain::signals::{DropReason, Signal};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::message::{
    Interpretation, ParsedSignal, ProviderReading, Uninterpretable, deserialize_bounded_list,
    group_by_time, parse_external_id, parse_message, parse_signal,
};

#[derive(Deserialize)]
struct Vehicle {
    id: String,
    /// The protocol has at most one entry a signal. A vehicle with more entries than the catalogue will ever have
    /// is refused.
    #[serde(deserialize_with = "deserialize_bounded_list::<64, _, _>")]
    signals: Vec<SignalEntry>,
}

#[derive(Deserialize)]
struct SignalEntry {
    name: String,
    value: Box<RawValue>,
    time: String,
}

/// Parses a vehicle's readings. Entries that share a time are one reading.
pub(super) fn parse(text: &str) -> Result<(ExternalId, Vec<ProviderReading>), Uninterpretable> {
    let vehicle: Vehicle = parse_message(text)?;
    let external_id = parse_external_id(&vehicle.id)?;
    let values = vehicle.signals.iter().map(SignalEntry::parse);
    let readings = group_by_time(&external_id, values);
    Ok((external_id, readings))
}

/// Interprets a vehicle that was forwarded as a message.
pub(super) fn interpret(text: &str) -> Interpretation {
    match parse(text) {
        Err(malformed) => malformed.into(),
        Ok((_, readings)) if readings.is_empty() => Interpretation::Ignored {
            reason: "no_signals",
        },
        Ok((_, readings)) => Interpretation::Readings(readings),
    }
}

impl SignalEntry {
    fn parse(&self) -> (Option<DateTime<Utc>>, &str, ParsedSignal) {
        let time = DateTime::parse_from_rfc3339(&self.time)
            .ok()
            .map(|time| time.to_utc().trunc_subsecs(6));
        let parsed = Signal::named(&self.name)
            .ok_or(DropReason::UnknownSignal)
            .and_then(|signal| {
                let value = parse_signal(signal, &self.value)?;
                Ok(value.map(|value| (signal, value)))
            });
        (time, &self.name, parsed)
    }
}

#[cfg(test)]
mod tests {
    use domain::signals::{DroppedSignal, SignalValue};

    use super::*;

    fn readings(vehicle: &serde_json::Value) -> Vec<ProviderReading> {
        parse(&vehicle.to_string()).expect("a vehicle").1
    }

    #[test]
    fn readings_of_one_time_are_one_and_the_oldest_comes_first() {
        let readings = readings(
            &serde_json::json!({"id": "bus 1", "brand": "new member", "signals": [
                {"name": "speed_kmh", "value": 31, "time": "2026-11-23T09:00:10.0000009+01:00"},
                {"name": "range_km", "value": 120, "time": "2026-11-23T08:00:00Z"},
                {"name": "odometer_km", "value": 7.5, "time": "2026-11-23T08:00:10Z"},
                {"name": "warp", "value": 9, "time": "2026-11-23T08:00:10Z"},
                {"name": "state_of_charge_percent", "value": 100.4, "time": "2026-11-23T08:00:10Z"},
                {"name": "plugged_in", "value": null, "time": "2026-11-23T08:00:10Z"},
            ]}),
        );
        assert_eq!(readings.len(), 2);
        assert_eq!(readings[0].signals.len(), 1);
        let names: Vec<_> = readings[1]
            .signals
            .iter()
            .map(|(signal, _)| signal.name())
            .collect();
        assert_eq!(
            names,
            ["speed_kmh", "odometer_km", "state_of_charge_percent"]
        );
        assert_eq!(readings[1].signals[2].1, SignalValue::Number(100.0));
        assert_eq!(
            readings[1].dropped,
            [DroppedSignal {
                signal: "warp".into(),
                reason: DropReason::UnknownSignal
            }]
        );
    }

    #[test]
    fn a_reading_without_a_readable_time_is_left_for_acceptance_to_refuse() {
        let readings = readings(
            &serde_json::json!({"id": "bus-1", "signals": [{"name": "speed_kmh", "value": 3, "time": "08:00"}]}),
        );
        assert_eq!(readings[0].observed_at, None);
    }

    #[test]
    fn what_has_more_readings_than_there_can_be_is_no_vehicle() {
        let reading = r#"{"name":"speed_kmh","value":3,"time":"2026-11-23T08:00:00Z"}"#;
        for (count, is_one) in [(64, true), (65, false)] {
            let readings = vec![reading; count].join(",");
            let vehicle = format!(r#"{{"id":"bus-1","signals":[{readings}]}}"#);
            assert_eq!(parse(&vehicle).is_ok(), is_one, "{count}");
        }
    }

    #[test]
    fn a_message_without_signals_is_understood_and_one_without_a_name_is_not() {
        assert_eq!(
            interpret(r#"{"id":"bus-1","signals":[]}"#),
            Interpretation::Ignored {
                reason: "no_signals"
            }
        );
        let nameless = interpret(r#"{"id":"\n","signals":[]}"#);
        assert!(matches!(
            nameless,
            Interpretation::NotUnderstood {
                reason: "invalid_external_id",
                ..
            }
        ));
    }
}
