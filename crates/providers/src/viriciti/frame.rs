//! Frames of the live websocket.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::label::{Label, parse_time};
use crate::message::{
    Interpretation, JsonText, ProviderReading, Uninterpretable, parse_external_id, parse_message,
    quote_name,
};

/// The members that tell frames apart. Version 2 has `type` and `payload`, but for the echo of a subscription,
/// which is keyed by domain; version 1 sends `ready` first and then bare readings.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<JsonText<'a>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    vehicles: Option<&'a RawValue>,
    #[serde(borrow)]
    chargestations: Option<&'a RawValue>,
    #[serde(borrow)]
    incidents: Option<&'a RawValue>,
    ready: Option<bool>,
}

/// One label's value of one vehicle.
#[derive(Deserialize)]
struct LabelValue<'a> {
    #[serde(borrow)]
    vid: JsonText<'a>,
    #[serde(borrow)]
    label: JsonText<'a>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    time: Option<&'a RawValue>,
}

/// Interprets a frame by itself: acceptance judges late and repeated frames.
pub(super) fn interpret(text: &str) -> Interpretation {
    parse(text).unwrap_or_else(Interpretation::from)
}

fn parse(text: &str) -> Result<Interpretation, Uninterpretable> {
    let frame: Frame<'_> = parse_message(text)?;
    let Some(JsonText(kind)) = &frame.kind else {
        return if frame.is_echo() {
            Ok(ignored("subscription_echo"))
        } else if frame.ready.is_some() {
            Ok(ignored("ready"))
        } else {
            parse_label_value(text)
        };
    };
    match kind.as_ref() {
        "vehicles" => parse_label_value(
            frame
                .payload
                .ok_or_else(Uninterpretable::unknown_shape)?
                .get(),
        ),
        "acl" => Ok(ignored("acl_answer")),
        // The text of an error is documented nowhere; other vehicles' readings go on after it.
        "error" => Ok(ignored("provider_error")),
        "chargestations" | "incidents" => Ok(ignored("other_domain")),
        unknown => Err(Uninterpretable::new(
            "unknown_message_type",
            format!("there is no message type {}", quote_name(unknown)),
        )),
    }
}

impl Frame<'_> {
    /// Returns whether the frame repeats a subscription: the server confirms it so, and repeats it when asked.
    fn is_echo(&self) -> bool {
        [self.vehicles, self.chargestations, self.incidents]
            .into_iter()
            .flatten()
            .any(|domain| domain.get().starts_with('{'))
    }
}

fn parse_label_value(text: &str) -> Result<Interpretation, Uninterpretable> {
    let LabelValue {
        vid: JsonText(vid),
        label: JsonText(name),
        value,
        time,
    } = parse_message(text)?;
    let vid = parse_external_id(&vid)?;
    let Some(label) = Label::named(&name) else {
        return Err(Uninterpretable::new(
            "unknown_label",
            format!("nothing is known of the label {}", quote_name(&name)),
        ));
    };
    let Some(signal) = label.signal() else {
        return Ok(ignored("unused_label"));
    };
    let parsed = value.map_or(Ok(None), |value| label.parse(signal, value));
    if let Ok(None) = parsed {
        return Ok(ignored("no_value"));
    }
    let mut reading = ProviderReading::new(vid, time.and_then(parse_time));
    reading.add_signal(signal.name(), parsed);
    Ok(Interpretation::Readings(vec![reading]))
}

const fn ignored(reason: &'static str) -> Interpretation {
    Interpretation::Ignored { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows a frame's interpretation as one line.
    fn interpreted(text: &str) -> String {
        match interpret(text) {
            Interpretation::Ignored { reason } => format!("ignored: {reason}"),
            Interpretation::NotUnderstood { reason, detail } => {
                format!("not understood: {reason}: {detail}")
            }
            Interpretation::Readings(readings) => {
                let [reading] = &readings[..] else {
                    panic!("a frame has one reading, not {readings:?}");
                };
                let signals: Vec<_> = reading
                    .signals
                    .iter()
                    .map(|(signal, value)| {
                        let value = serde_json::to_string(value).expect("JSON");
                        format!("{}={value}", signal.name())
                    })
                    .chain(
                        reading
                            .dropped
                            .iter()
                            .map(|dropped| format!("{} {}", dropped.signal, dropped.reason)),
                    )
                    .collect();
                let time = reading
                    .observed_at
                    .map_or("no time".to_owned(), |time| time.to_rfc3339());
                format!("{} {time} {}", reading.external_id, signals.join(" "))
            }
        }
    }

    #[test]
    fn a_reading_is_read_in_either_version() {
        for (frame, expected) in [
            (
                r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"soc","value":72.8,"time":1795420500000}}"#,
                "demo_001 2026-11-23T07:55:00+00:00 state_of_charge_percent=72.8",
            ),
            (
                r#"{"time":1795420500000,"value":72.8,"label":"soc","vid":"demo_001"}"#,
                "demo_001 2026-11-23T07:55:00+00:00 state_of_charge_percent=72.8",
            ),
            (
                r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"gps","value":"52.0934486|5.1173782","time":1795420500412}}"#,
                r#"demo_001 2026-11-23T07:55:00.412+00:00 position={"latitude_deg":52.0934486,"longitude_deg":5.1173782}"#,
            ),
            (
                r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"gps","value":{"lat":52.0934486,"lon":5.1173782},"time":1795420500412}}"#,
                r#"demo_001 2026-11-23T07:55:00.412+00:00 position={"latitude_deg":52.0934486,"longitude_deg":5.1173782}"#,
            ),
            (
                r#" {"new":1,"payload":{"vid":"d\u00e9mo 1","label":"p\u006fwer","value":-41.2,"time":1795420500500,"fleet":{}},"type":"vehicles"} "#,
                "démo 1 2026-11-23T07:55:00.500+00:00 battery_power_kw=41.2",
            ),
        ] {
            assert_eq!(interpreted(frame), expected, "{frame}");
        }
    }

    #[test]
    fn a_wrong_value_or_time_is_left_for_acceptance_to_report() {
        for (payload, expected) in [
            (
                r#"{"vid":"demo_001","label":"soc","value":255,"time":1795420500000}"#,
                "demo_001 2026-11-23T07:55:00+00:00 state_of_charge_percent not_available",
            ),
            (
                r#"{"vid":"demo_001","label":"gps","value":"0|0","time":1795420500000}"#,
                "demo_001 2026-11-23T07:55:00+00:00 position out_of_range",
            ),
            (
                r#"{"vid":"demo_001","label":"odo","value":"far","time":1795420500000}"#,
                "demo_001 2026-11-23T07:55:00+00:00 odometer_km wrong_type",
            ),
            (
                r#"{"vid":"demo_001","label":"odo","value":7}"#,
                "demo_001 no time odometer_km=7.0",
            ),
            (
                r#"{"vid":"demo_001","label":"odo","value":7,"time":"2026-11-23T07:55:00Z"}"#,
                "demo_001 no time odometer_km=7.0",
            ),
        ] {
            let frame = format!(r#"{{"type":"vehicles","payload":{payload}}}"#);
            assert_eq!(interpreted(&frame), expected, "{frame}");
        }
    }

    #[test]
    fn frames_without_a_reading_are_understood() {
        for (frame, expected) in [
            (
                r#"{"vehicles":{"demo_001":["soc","odo","power","speed","gps"]}}"#,
                "subscription_echo",
            ),
            (
                r#"{"vehicles":{},"chargestations":{"c1":["power"]}}"#,
                "subscription_echo",
            ),
            (r#"{"incidents":{}}"#, "subscription_echo"),
            (r#"{"ready":true}"#, "ready"),
            (r#"{"type":"acl","payload":["demo_001"]}"#, "acl_answer"),
            (r#"{"type":"acl"}"#, "acl_answer"),
            (
                r#"{"type":"error","payload":"vid demo_009 not in acl"}"#,
                "provider_error",
            ),
            (
                r#"{"type":"error","payload":{"message":"no"}}"#,
                "provider_error",
            ),
            (
                r#"{"type":"chargestations","payload":{"id":"c1","label":"power","value":1,"time":1795420500000}}"#,
                "other_domain",
            ),
            (r#"{"type":"incidents","payload":null}"#, "other_domain"),
            (
                r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"soc","value":null,"time":1795420500000}}"#,
                "no_value",
            ),
            (
                r#"{"vid":"demo_001","label":"energetic_state","value":3,"time":1795420500000}"#,
                "unused_label",
            ),
        ] {
            assert_eq!(
                interpreted(frame),
                format!("ignored: {expected}"),
                "{frame}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_says_why_and_quotes_no_more_than_a_name() {
        let long = "x".repeat(10_000);
        for (frame, expected) in [
            (
                "show acl".to_owned(),
                "not_json: the message is not JSON (line 1 column 1)".to_owned(),
            ),
            (
                r#"{"type":"vehicles","payload":{"vid":"#.to_owned(),
                "not_json: the message is not JSON (line 1 column 36)".to_owned(),
            ),
            (
                format!(r#"{{"type":"fleet{long}","payload":1}}"#),
                format!(
                    "unknown_message_type: there is no message type \"fleet{}\"",
                    &long[..59]
                ),
            ),
            (
                r#"{"vid":"demo_001","label":"battery.\u0000State","value":3,"time":1795420500000}"#
                    .to_owned(),
                r#"unknown_label: nothing is known of the label "battery.\0State""#.to_owned(),
            ),
            (
                r#"{"vid":" demo_001","label":"soc","value":3,"time":1795420500000}"#.to_owned(),
                format!(
                    "invalid_external_id: the vehicle's id {}",
                    domain::ids::ExternalId::try_new(" ").expect_err("no id")
                ),
            ),
        ] {
            assert_eq!(interpreted(&frame), format!("not understood: {expected}"));
        }
        for frame in [
            "null",
            "[]",
            "7",
            "{}",
            r#"["vehicles",{"vid":"demo_001","label":"soc","value":3,"time":1795420500000}]"#,
            r#"{"type":7}"#,
            r#"{"type":"vehicles"}"#,
            r#"{"type":"vehicles","payload":null}"#,
            r#"{"type":"vehicles","payload":["demo_001","soc",3,1795420500000]}"#,
            r#"{"type":"vehicles","payload":{"label":"soc","value":3,"time":1795420500000}}"#,
            r#"{"type":"vehicles","payload":{"vid":7,"label":"soc","value":3,"time":1795420500000}}"#,
            r#"{"type":"vehicles","payload":{"vid":"demo_001","value":3,"time":1795420500000}}"#,
            r#"{"type":"vehicles","payload":{"vid":"demo_001","vid":"demo_002","label":"soc","value":3}}"#,
            r#"{"vehicles":5}"#,
            r#"{"ready":"yes"}"#,
            r#"{"label":"battery.StateOfCharge","value":3,"time":1795420500000,"asset":{"fleet":"f","name":"n"}}"#,
        ] {
            assert_eq!(
                interpreted(frame),
                "not understood: unknown_shape: the message has none of the protocol's shapes",
                "{frame}"
            );
        }
    }
}
