//! The state of vehicles: the last value of each label that was asked for.

use std::collections::HashSet;

use domain::ids::ExternalId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::label::{Label, parse_time};
use crate::answer::PollAnswer;
use crate::message::{group_by_time, select_members};

/// A label's last value. A label without one has `null` in its place.
#[derive(Deserialize)]
struct LabelState<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

/// Adds the vehicles of an answer that were asked for; what else the answer holds is left out.
///
/// # Errors
/// When the answer is not an object.
pub(super) fn add_vehicles(
    body: &[u8],
    asked: &[ExternalId],
    answer: &mut PollAnswer,
) -> Result<(), serde_json::Error> {
    let names: HashSet<_> = asked.iter().map(ExternalId::as_str).collect();
    let vehicles = select_members(body, |name| names.contains(name))?;
    for external_id in asked {
        match vehicles.get(external_id.as_str()) {
            // The key may not see this vehicle, or the provider does not know it.
            None => {}
            Some(vehicle) if vehicle.get() == "null" => {}
            Some(vehicle) => add_vehicle(vehicle, external_id, answer),
        }
    }
    Ok(())
}

/// Adds one vehicle. What cannot be read of it is an item of its own, beside what can.
fn add_vehicle(json: &RawValue, external_id: &ExternalId, answer: &mut PollAnswer) {
    let malformed = |what: &str| format!("{what} of {external_id} is not of the protocol's shape");
    let is_polled = |name: &str| Label::polled().any(|(label, _)| label.name == name);
    let Ok(labels) = select_members(json.get().as_bytes(), is_polled) else {
        return answer.add_malformed(malformed("the state"));
    };
    let mut values = Vec::new();
    for (label, signal) in Label::polled() {
        let Some(json) = labels.get(label.name) else {
            continue;
        };
        match parse_label_state(json) {
            Err(_) => answer.add_malformed(malformed(label.name)),
            Ok(None) => {}
            Ok(Some(LabelState { value, time })) => {
                let parsed = value.map_or(Ok(None), |value| label.parse(signal, value));
                if !matches!(parsed, Ok(None)) {
                    values.push((time.and_then(parse_time), signal.name(), parsed));
                }
            }
        }
    }
    answer.add_vehicle(external_id.clone(), group_by_time(external_id, values));
}

fn parse_label_state(json: &RawValue) -> Result<Option<LabelState<'_>>, serde_json::Error> {
    // serde would take the array form of a struct as well.
    if json.get().starts_with('[') {
        return Err(serde::de::Error::custom("an array"));
    }
    serde_json::from_str(json.get())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use domain::acceptance::{Item, Update};
    use domain::ids::ProviderId;
    use domain::signals::DropReason;

    use super::*;

    fn answer() -> PollAnswer {
        PollAnswer::new(ProviderId::try_new("viriciti-main").expect("an id"))
    }

    fn answer_of(body: &str) -> PollAnswer {
        let asked =
            ["demo_001", "demo_002"].map(|vid| ExternalId::try_new(vid).expect("an external id"));
        let mut answer = answer();
        add_vehicles(body.as_bytes(), &asked, &mut answer).expect("an object");
        answer
    }

    fn returned(answer: &PollAnswer) -> Vec<&str> {
        let mut returned: Vec<_> = answer.returned.iter().map(ExternalId::as_str).collect();
        returned.sort_unstable();
        returned
    }

    fn updates(answer: &PollAnswer) -> Vec<&Update> {
        answer
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
        let answer = answer_of(
            r#"{"demo_001":{"soc":{"value":72.8,"time":1795420500000},"power":null,
                "odo":{"value":88526.4,"time":1795420440000},"speed":{"value":255,"time":1795420500000},
                "gps":{"value":"52.0934486|5.1173782","time":1795420500000},"range":{"value":null,"time":1795420500000}}}"#,
        );
        assert_eq!(returned(&answer), ["demo_001"]);
        let told: Vec<_> = updates(&answer)
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
    fn a_vehicle_in_the_answer_is_returned_if_it_was_asked_for() {
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
            let answer = answer_of(body);
            assert_eq!(returned(&answer), expected, "{body}");
            assert!(answer.items.is_empty(), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_spoils_nothing_else() {
        let answer = answer_of(
            r#"{"demo_001":["soc",1],
                "demo_002":{"soc":72.8,"odo":[5,6],"speed":{"value":3,"time":1795420500000},"range":{"value":9}}}"#,
        );
        assert_eq!(returned(&answer), ["demo_002"]);
        let malformed: Vec<_> = answer
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
        let timed: Vec<_> = updates(&answer)
            .iter()
            .map(|update| update.observed_at.is_some())
            .collect();
        assert_eq!(timed, [false, true], "acceptance refuses what has no time");
    }

    #[test]
    fn an_answer_is_an_object() {
        for body in ["", "[]", "null", "<!doctype html>", r#"{"demo_001":"#, "\0"] {
            assert!(add_vehicles(body.as_bytes(), &[], &mut answer()).is_err());
        }
    }
}
