//! Any bodies to the two entrances of readings: never a 5xx, never a panic, and always as documented.
//!
//! `PROPTEST_CASES` asks for more of them than the gate has time for.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::service::{Caller, FORWARD, INGEST, NORTH, Service};

/// Of each kind, unless asked otherwise.
const CASES: u32 = 300;

/// Pieces that are mistaken for what they are not, or that some part of the way would rather not have.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\0".to_owned()),
        Just("a\0b".to_owned()),
        Just("\u{202e}\u{feff}\u{10ffff}".to_owned()),
        Just("019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a".to_owned()),
        Just("00000000-0000-0000-0000-000000000000".to_owned()),
        Just("bus-1".to_owned()),
        Just("bus-1-unit".to_owned()),
        Just("sim-main".to_owned()),
        Just("depot_sim".to_owned()),
        Just("viriciti".to_owned()),
        Just("9999-12-31T23:59:59-23:59".to_owned()),
        Just("0000-01-01T00:00:00+23:59".to_owned()),
        Just("2026-11-23T07:59:60Z".to_owned()),
        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ".{0,40}",
        prop::collection::vec(any::<char>(), 0..12).prop_map(|chars| chars.into_iter().collect()),
        Just("x".repeat(200_000)),
    ]
}

/// JSON text, also such as `serde_json::Value` could not hold.
fn odd_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| json!(number).to_string()),
        Just("1e999999999".to_owned()),
        Just("-1E-999999999".to_owned()),
        Just("9".repeat(400)),
        Just(r#""\ud800""#.to_owned()),
        Just(r#""\udc00\ud800""#.to_owned()),
        Just("[".repeat(5_000) + &"]".repeat(5_000)),
        Just(r#"{"a":"#.repeat(3_000) + "1" + &"}".repeat(3_000)),
        odd_text().prop_map(|text| json!(text).to_string()),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let member = (odd_text(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            // Names may come twice.
            prop::collection::vec(member, 0..6).prop_map(|members| object(&members)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A sound item, some of whose members may be missing or something else; few, because what is behind the
/// first fault is not looked at.
fn mutated(members: &[(&'static str, Value)]) -> impl Strategy<Value = String> + use<> {
    let member = |(name, value): &(&'static str, Value)| {
        let (name, sound) = ((*name).to_owned(), value.to_string());
        let kept = Just(vec![(name.clone(), sound)]);
        let other = prop_oneof![
            odd_json(),
            odd_text().prop_map(|text| json!(text).to_string())
        ];
        let other = other.prop_map(move |json| vec![(name.clone(), json)]);
        prop_oneof![12 => kept, 1 => Just(Vec::new()), 2 => other]
    };
    let members: Vec<_> = members.iter().map(member).collect();
    let more = prop::collection::vec((odd_text(), odd_json()), 0..2);
    let more = prop_oneof![9 => Just(Vec::new()), 1 => more];
    (members, more).prop_map(|(members, more)| object(&[members.concat(), more].concat()))
}

fn updates() -> impl Strategy<Value = Vec<u8>> {
    let update = mutated(&[
        ("device_id", json!("bus-1")),
        ("observed_at", json!("2026-11-23T08:00:00Z")),
        ("message_id", json!("m-1")),
        (
            "signals",
            json!({"speed_kmh": 31, "position": {"latitude_deg": 52.1, "longitude_deg": 5.1}, "plugged_in": true}),
        ),
    ]);
    batch("updates", update)
}

fn envelopes() -> impl Strategy<Value = Vec<u8>> {
    let signal = mutated(&[
        ("name", json!("speed_kmh")),
        ("value", json!(31)),
        ("time", json!("2026-11-23T08:00:00Z")),
    ]);
    let message = mutated(&[("id", json!("bus-1-unit")), ("brand", json!("any"))]);
    let message = (message, prop::collection::vec(signal, 0..4)).prop_map(|(vehicle, signals)| {
        let signals = format!(r#"{{"signals":[{}],"#, signals.join(","));
        vehicle.replacen('{', &signals, 1)
    });
    let message = message.boxed();
    // A string may hold the same message, or be cut off within it.
    let as_text = (message.clone(), any::<prop::sample::Index>()).prop_map(|(text, end)| {
        let end = end.index(text.chars().count() + 1);
        json!(text.chars().take(end).collect::<String>()).to_string()
    });
    let raw_message = prop_oneof![2 => message, 1 => as_text, 2 => odd_json()];
    let around = mutated(&[
        ("envelope_id", json!("019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a")),
        ("provider_type", json!("depot_sim")),
        ("provider_id", json!("sim-main")),
        ("received_at", json!("2026-11-23T08:00:00Z")),
    ]);
    let fresh_id = any::<u128>().prop_map(|id| json!(uuid::Uuid::from_u128(id)).to_string());
    let envelope = (around, raw_message, fresh_id).prop_map(|(around, raw_message, id)| {
        let around = around.replace(r#""019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a""#, &id);
        around.replacen('{', &format!(r#"{{"raw_message":{raw_message},"#), 1)
    });
    batch("envelopes", envelope)
}

/// A body around some items: itself sound, or damaged.
fn batch(
    name: &'static str,
    item: impl Strategy<Value = String>,
) -> impl Strategy<Value = Vec<u8>> {
    let item = prop_oneof![4 => item, 1 => odd_json()];
    let body = prop::collection::vec(item, 0..8)
        .prop_map(move |items| format!(r#"{{"{name}":[{}]}}"#, items.join(",")).into_bytes());
    let damage = (any::<prop::sample::Index>(), any::<u8>());
    (body, prop::option::weighted(0.2, damage)).prop_map(|(mut body, damage)| {
        if let Some((at, byte)) = damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body
    })
}

/// Sends them all to one instance, each answer held against the document. Answers how many of a hundred
/// were looked at item by item.
async fn none_is_a_5xx(caller: Caller, path: &str, bodies: impl Strategy<Value = Vec<u8>>) -> u32 {
    let workspace = a_workspace(NORTH).with(a_device("bus-1"));
    let (service, _) = Service::with(workspace).await;
    let from_environment = Config::default();
    let asked = from_environment.cases != 256;
    let config = Config {
        cases: if asked { from_environment.cases } else { CASES },
        failure_persistence: None,
        ..from_environment
    };
    let taken = AtomicU32::new(0);
    let send = |body: Vec<u8>| {
        let call = service.call(caller, &Method::POST, path);
        let answer = block_in_place(|| Handle::current().block_on(call.said_json(body)));
        prop_assert!(
            [200, 400, 413].contains(&answer.status),
            "{}: {}",
            answer.status,
            answer.text()
        );
        taken.fetch_add(u32::from(answer.status == 200), Ordering::Relaxed);
        Ok(())
    };
    let cases = config.cases;
    if let Err(failure) = TestRunner::new(config).run(&bodies, send) {
        panic!("{failure}");
    }
    taken.into_inner() * 100 / cases
}

const INGEST_NORTH: &str = "/workspaces/depot-north/ingest";
const FORWARD_NORTH: &str = "/workspaces/depot-north/provider-ingest";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_updates() {
    let looked_at = none_is_a_5xx(INGEST, INGEST_NORTH, updates()).await;
    assert!(looked_at > 40, "{looked_at} of a hundred");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_envelopes() {
    let looked_at = none_is_a_5xx(FORWARD, FORWARD_NORTH, envelopes()).await;
    assert!(looked_at > 40, "{looked_at} of a hundred");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_bytes_that_are_nothing() {
    let bytes = || prop::collection::vec(any::<u8>(), 0..400);
    none_is_a_5xx(INGEST, INGEST_NORTH, bytes()).await;
    none_is_a_5xx(FORWARD, FORWARD_NORTH, bytes()).await;
}
