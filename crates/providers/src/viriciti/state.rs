//! The state of vehicles: the last value of each label that was asked for.

use std::collections::HashSet;

use domain::acceptance::Item;
use domain::ids::{ExternalId, ProviderId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::label::{Label, read_time};
use crate::Polled;
use crate::bounded::members;
use crate::reading::by_time;

/// A label's last value. A vehicle without one has `null` in its place.
#[derive(Deserialize)]
struct Measured<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

/// Takes an answer's vehicles, of those that were asked for; what else it holds is nobody's.
///
/// # Errors
/// When the answer is not an object.
pub(super) fn take(
    body: &[u8],
    asked: &[ExternalId],
    provider_id: &ProviderId,
    polled: &mut Polled,
) -> Result<(), serde_json::Error> {
    let names: HashSet<_> = asked.iter().map(ExternalId::as_str).collect();
    let vehicles = members(body, |name| names.contains(name))?;
    for external_id in asked {
        match vehicles.get(external_id.as_str()) {
            // Not for this key to see, or nobody that the provider knows.
            None => {}
            Some(vehicle) if vehicle.get() == "null" => {}
            Some(vehicle) => take_vehicle(vehicle, external_id, provider_id, polled),
        }
    }
    Ok(())
}

/// Takes one vehicle; what cannot be read of it is an item of its own, beside what can.
fn take_vehicle(
    json: &RawValue,
    external_id: &ExternalId,
    provider_id: &ProviderId,
    polled: &mut Polled,
) {
    let malformed = |what: &str| Item::Malformed {
        pointer: String::new(),
        detail: format!("{what} of {external_id} is not of the protocol's shape"),
    };
    let is_polled = |name: &str| Label::polled().any(|(label, _)| label.name == name);
    let Ok(labels) = members(json.get().as_bytes(), is_polled) else {
        return polled.items.push(malformed("the state"));
    };
    polled.returned.insert(external_id.clone());
    let mut values = Vec::new();
    for (label, signal) in Label::polled() {
        let Some(json) = labels.get(label.name) else {
            continue;
        };
        match measured(json) {
            Err(_) => polled.items.push(malformed(label.name)),
            Ok(None) => {}
            Ok(Some(Measured { value, time })) => {
                let read = value.map_or(Ok(None), |value| label.read(signal, value));
                if !matches!(read, Ok(None)) {
                    values.push((time.and_then(read_time), signal.name(), read));
                }
            }
        }
    }
    polled.items.extend(
        by_time(external_id, values)
            .into_iter()
            .map(|reading| Item::Update(reading.into_update(provider_id))),
    );
}

fn measured(json: &RawValue) -> Result<Option<Measured<'_>>, serde_json::Error> {
    // serde would take the array form of a struct as well.
    if json.get().starts_with('[') {
        return Err(serde::de::Error::custom("an array"));
    }
    serde_json::from_str(json.get())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use domain::acceptance::Update;
    use domain::signals::DropReason;

    use super::*;

    fn taken(body: &str) -> Polled {
        let asked =
            ["demo_001", "demo_002"].map(|vid| ExternalId::try_new(vid).expect("an external id"));
        let provider_id = ProviderId::try_new("viriciti-main").expect("an id");
        let mut polled = Polled::default();
        take(body.as_bytes(), &asked, &provider_id, &mut polled).expect("an object");
        polled
    }

    fn returned(polled: &Polled) -> Vec<&str> {
        let mut returned: Vec<_> = polled.returned.iter().map(ExternalId::as_str).collect();
        returned.sort_unstable();
        returned
    }

    fn updates(polled: &Polled) -> Vec<&Update> {
        polled
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Update(update) => Some(update),
                Item::Malformed { .. } => None,
            })
            .collect()
    }

    #[test]
    fn values_of_one_time_are_one_update_and_the_oldest_comes_first() {
        let polled = taken(
            r#"{"demo_001":{"soc":{"value":72.8,"time":1795420500000},"power":null,
                "odo":{"value":88526.4,"time":1795420440000},"speed":{"value":255,"time":1795420500000},
                "gps":{"value":"52.0934486|5.1173782","time":1795420500000},"range":{"value":null,"time":1795420500000}}}"#,
        );
        assert_eq!(returned(&polled), ["demo_001"]);
        let told: Vec<_> = updates(&polled)
            .into_iter()
            .map(|update| {
                let names: Vec<_> = update.signals.iter().map(|(s, _)| s.name()).collect();
                let dropped: Vec<_> = update
                    .dropped
                    .iter()
                    .map(|dropped| (dropped.signal.as_str(), dropped.reason))
                    .collect();
                (update.observed_at, names, dropped)
            })
            .collect();
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        assert_eq!(
            told,
            [
                (at("2026-11-23T07:54:00Z"), vec!["odometer_km"], vec![]),
                (
                    at("2026-11-23T07:55:00Z"),
                    vec!["state_of_charge_percent", "position"],
                    vec![("speed_kmh", DropReason::NotAvailable)]
                ),
            ]
        );
    }

    #[test]
    fn who_is_in_the_answer_was_returned_and_nobody_who_was_not_asked_for() {
        for (body, expected) in [
            ("{}", vec![]),
            (r#"{"demo_001":null}"#, vec![]),
            (r#"{"demo_001":{}}"#, vec!["demo_001"]),
            (
                r#"{"demo_001":{"soc":null},"demo_002":{}}"#,
                vec!["demo_001", "demo_002"],
            ),
            (
                r#"{"demo_009":{"soc":{"value":1,"time":1795420500000}}}"#,
                vec![],
            ),
        ] {
            let polled = taken(body);
            assert_eq!(returned(&polled), expected, "{body}");
            assert!(polled.items.is_empty(), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_spoils_nothing_else() {
        let polled = taken(
            r#"{"demo_001":["soc",1],
                "demo_002":{"soc":72.8,"odo":[5,6],"speed":{"value":3,"time":1795420500000},"range":{"value":9}}}"#,
        );
        assert_eq!(returned(&polled), ["demo_002"]);
        let malformed: Vec<_> = polled
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Malformed { detail, .. } => Some(detail.as_str()),
                Item::Update(_) => None,
            })
            .collect();
        assert_eq!(
            malformed,
            [
                "the state of demo_001 is not of the protocol's shape",
                "soc of demo_002 is not of the protocol's shape",
                "odo of demo_002 is not of the protocol's shape",
            ]
        );
        let timed: Vec<_> = updates(&polled)
            .iter()
            .map(|update| update.observed_at.is_some())
            .collect();
        assert_eq!(timed, [false, true], "acceptance refuses what has no time");
    }

    #[test]
    fn an_answer_is_an_object() {
        for body in ["", "[]", "null", "<!doctype html>", r#"{"demo_001":"#, "\0"] {
            let mut polled = Polled::default();
            let provider_id = ProviderId::try_new("viriciti-main").expect("an id");
            assert!(take(body.as_bytes(), &[], &provider_id, &mut polled).is_err());
        }
    }
}
