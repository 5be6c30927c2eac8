//! No message makes ViriCiti's parsers panic, or hold more than it has bytes.

use domain::fleet::ProviderType;
use domain::ids::{ExternalId, ProviderId};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::state::add_vehicles;
use crate::fuzz::{any_message, check_interpretation, check_items, forward};
use crate::{Interpretation, PollAnswer, ProviderRegistry};

const WORDS: &[&str] = &[
    "type",
    "payload",
    "vehicles",
    "incidents",
    "acl",
    "error",
    "ready",
    "vid",
    "label",
    "value",
    "time",
    "demo_001",
    "soc",
    "odo",
    "gps",
    "power",
    "lat",
    "lon",
    "voltage",
    "52.0934486|5.1173782",
];
const FRAMES: &[&str] = &[
    r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"soc","value":72.8,"time":1795420500000}}"#,
    r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"gps","value":"52.0934486|5.1173782","time":1795420500412}}"#,
    r#"{"type":"vehicles","payload":{"vid":"demo_001","label":"gps","value":{"lat":52.0934486,"lon":5.1173782},"time":1795420500412}}"#,
    r#"{"time":1795420500500.5,"value":-41.2,"label":"power","vid":"demo_001"}"#,
    r#"{"vehicles":{"demo_001":["soc","odo","power","speed","gps"]}}"#,
    r#"{"type":"error","payload":"vid demo_009 not in acl"}"#,
    r#"{"type":"acl","payload":{"vehicles":["demo_001"]}}"#,
    r#"{"ready":true}"#,
];
const STATES: &[&str] = &[
    r#"{"demo_001":{"soc":{"value":72.8,"time":1795420500000},"odo":{"value":88526.4,"time":1795420440000},"power":null}}"#,
    r#"{"demo_001":{"gps":{"value":"52.0934486|5.1173782","time":1795420500412},"speed":{"value":255,"time":1795420500412}},"demo_002":null}"#,
];

proptest! {
    #[test]
    fn any_frame_is_interpreted_within_bounds(message in any_message(WORDS, FRAMES)) {
        for raw in forward(&message) {
            check_interpretation(&interpret(&raw), raw.get().len())?;
        }
    }

    #[test]
    fn any_state_is_read_within_bounds(body in any_message(WORDS, STATES)) {
        let asked = ["demo_001", "demo_002"]
            .map(|vid| ExternalId::try_new(vid).expect("an external id"));
        let mut answer = PollAnswer::new(ProviderId::try_new("viriciti-main").expect("an id"));
        if add_vehicles(&body, &asked, &mut answer).is_ok() {
            prop_assert!(answer.items.len() <= 6 * asked.len());
            prop_assert!(answer.returned.iter().all(|vid| asked.contains(vid)));
            check_items(&answer.items)?;
        } else {
            prop_assert!(answer.items.is_empty() && answer.returned.is_empty());
        }
    }
}

fn interpret(raw: &RawValue) -> Interpretation {
    ProviderRegistry::default().interpret(ProviderType::Viriciti, raw)
}

/// Nesting costs no stack.
#[test]
fn a_deep_frame_is_not_understood() {
    for (opening, closing) in [("[", "]"), (r#"{"payload":"#, "}")] {
        let depth = 200_000;
        let deep = format!("{}1{}", opening.repeat(depth), closing.repeat(depth));
        for message in [
            deep.clone(),
            format!(r#"{{"type":"vehicles","payload":{{"vid":{deep}}}}}"#),
            format!(r#"{{"ready":{deep}}}"#),
        ] {
            for raw in forward(message.as_bytes()) {
                let interpretation = interpret(&raw);
                assert!(
                    matches!(interpretation, Interpretation::NotUnderstood { .. }),
                    "{interpretation:?}"
                );
            }
        }
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let frame = format!(r#"{{"vid":"demo_001","label":"gps","value":{deep},"time":{deep}}}"#);
    let raw = RawValue::from_string(frame).expect("JSON");
    let Interpretation::Readings(readings) = interpret(&raw) else {
        panic!("a frame with values that are none");
    };
    assert_eq!(readings[0].observed_at, None);
    assert!(readings[0].signals.is_empty());
}
