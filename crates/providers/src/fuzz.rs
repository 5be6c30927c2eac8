//! Messages that providers might send: for the interpreters' own tests, which say what must hold for any message.
//! `PROPTEST_CASES` sets how many times each is tried.

use domain::acceptance::Item;
use domain::signals::{CATALOGUE, Signal, SignalValue};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Interpretation, ProviderReading};

/// Generates any bytes, JSON of any shape with the protocol's own words in it, and valid messages with other
/// values or with some of their bytes wrong.
pub(crate) fn any_message(
    words: &'static [&'static str],
    valid: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..256),
        2 => any_json(words).prop_map(|json| json.to_string().into_bytes()),
        8 => revalued(words, valid),
        5 => mutated(valid),
    ]
}

/// Generates JSON whose names and texts are often the protocol's.
fn any_json(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let word = move || prop_oneof![4 => prop::sample::select(words).prop_map(str::to_owned), 1 => any::<String>()];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        2 => (-500.0..500.0).prop_map(|number: f64| Value::from(number)),
        1 => any::<f64>().prop_map(Value::from),
        1 => (1_795_000_000_000_i64..1_796_000_000_000).prop_map(Value::from),
        2 => word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 8, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            4 => prop::collection::hash_map(word(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Generates a valid message in which some values are anything else.
fn revalued(
    words: &'static [&'static str],
    valid: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    let others = prop::collection::vec((any::<prop::sample::Index>(), any_json(words)), 1..3);
    (prop::sample::select(valid), others).prop_map(|(message, others)| {
        let mut json: Value = serde_json::from_str(message).expect("a valid message");
        for (at, other) in others {
            let mut values = values_of(&mut json);
            // An earlier one may have left nothing but an empty list.
            if !values.is_empty() {
                *values.swap_remove(at.index(values.len())) = other;
            }
        }
        json.to_string().into_bytes()
    })
}

/// Returns all values within, but for lists and objects themselves.
fn values_of(json: &mut Value) -> Vec<&mut Value> {
    match json {
        Value::Array(list) => list.iter_mut().flat_map(values_of).collect(),
        Value::Object(object) => object.values_mut().flat_map(values_of).collect(),
        value => vec![value],
    }
}

/// Generates a valid message in which some bytes are others, missing, or there twice.
fn mutated(valid: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let mutation = (
        any::<prop::sample::Index>(),
        0_usize..16,
        prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\{}[]:,|-0e9nu"[..])],
            0..4,
        ),
        any::<bool>(),
    );
    let mutations = prop::collection::vec(mutation, 0..5);
    (prop::sample::select(valid), mutations).prop_map(|(message, mutations)| {
        let mut bytes = message.as_bytes().to_vec();
        for (at, length, instead, twice) in mutations {
            let from = at.index(bytes.len() + 1);
            let until = (from + length).min(bytes.len());
            let instead = if twice {
                [&bytes[from..until], &instead, &bytes[from..until]].concat()
            } else {
                instead
            };
            bytes.splice(from..until, instead);
        }
        bytes
    })
}

/// Forwards a message in the two ways that a transport may: as JSON, where it is JSON, and as text.
pub(crate) fn forward(message: &[u8]) -> Vec<Box<RawValue>> {
    let text = String::from_utf8_lossy(message).into_owned();
    let as_text = Value::from(text.as_str()).to_string();
    [text, as_text]
        .into_iter()
        .filter_map(|json| RawValue::from_string(json).ok())
        .collect()
}

/// Checks what must hold for any interpretation of so many bytes.
pub(crate) fn check_interpretation(
    interpretation: &Interpretation,
    bytes: usize,
) -> Result<(), TestCaseError> {
    let word = |reason: &str| {
        !reason.is_empty() && reason.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    match interpretation {
        Interpretation::Readings(readings) => {
            prop_assert!(!readings.is_empty());
            prop_assert!(readings.len() <= bytes);
            for ProviderReading {
                signals, dropped, ..
            } in readings
            {
                check_values(signals)?;
                prop_assert!(dropped.len() <= 64);
                prop_assert!(dropped.iter().all(|one| one.signal.chars().count() <= 64));
            }
        }
        Interpretation::Ignored { reason } => prop_assert!(word(reason)),
        Interpretation::NotUnderstood { reason, detail } => {
            prop_assert!(word(reason));
            prop_assert!(!detail.is_empty() && detail.len() <= 1_000);
            prop_assert!(!detail.contains(char::is_control));
        }
    }
    Ok(())
}

/// Checks what must hold for the items of any poll's answer.
pub(crate) fn check_items(items: &[Item]) -> Result<(), TestCaseError> {
    for item in items {
        match item {
            Item::Update(update) => check_values(&update.signals)?,
            Item::Malformed { detail, .. } => {
                prop_assert!(!detail.is_empty() && detail.len() <= 1_000);
            }
        }
    }
    Ok(())
}

/// Checks that there is at most one value a signal, each as the catalogue would parse it again.
fn check_values(signals: &[(Signal, SignalValue)]) -> Result<(), TestCaseError> {
    prop_assert!(signals.len() <= CATALOGUE.len());
    for (at, (signal, value)) in signals.iter().enumerate() {
        prop_assert!(signals[..at].iter().all(|(before, _)| before != signal));
        let json = serde_json::value::to_raw_value(value).expect("JSON");
        prop_assert_eq!(SignalValue::read(*signal, &json), Ok(Some(*value)));
    }
    Ok(())
}
