//! The body of a batch of updates.
//!
//! Nearly always every item of a batch has the shape of an update, and the whole batch is parsed in one pass.
//! Otherwise the items are parsed one by one, so that an error inside an item becomes the outcome of that item
//! and does not refuse the batch.

use std::fmt;

use application::commands::PushedUpdate;
use contract::ingest::{IngestRequest, IngestUpdate};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::item::{CatalogueSignals, convert_update, parse_item};
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::parse_json;

/// The largest number of updates in a batch.
const MAX_UPDATES: usize = 10_000;

/// The body of a request, whose updates are parsed in one pass.
pub(crate) type UpdatesBody = IngestRequest<UpdateList>;

/// Parses the items of a batch.
///
/// # Errors
/// 400 if the body is not an object with a list of updates or the list is empty, 413 if the list is too long.
pub(super) fn parse_batch(bytes: &[u8]) -> Result<Vec<PushedUpdate>, Problem> {
    let items = match serde_json::from_slice::<JsonObject<UpdatesBody>>(bytes) {
        Ok(JsonObject(body)) => body.updates.0,
        Err(_) => parse_one_by_one(bytes)?,
    };
    if items.is_empty() {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "/updates",
            "must have at least one update",
        )]));
    }
    Ok(items)
}

fn parse_one_by_one(bytes: &[u8]) -> Result<Vec<PushedUpdate>, Problem> {
    let body: IngestRequest<Vec<&RawValue>> = parse_json(bytes)?;
    if body.updates.len() > MAX_UPDATES {
        return Err(Problem::of(ProblemKind::PAYLOAD_TOO_LARGE)
            .detail(format!("a batch may have {MAX_UPDATES} updates")));
    }
    Ok(body.updates.into_iter().map(parse_item).collect())
}

/// A list of at most [`MAX_UPDATES`] items that all have the shape of an update. A longer list fails to parse.
pub(crate) struct UpdateList(Vec<PushedUpdate>);

impl<'de> Deserialize<'de> for UpdateList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = UpdateList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of updates")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<UpdateList, A::Error> {
                let mut items = Vec::new();
                while let Some(JsonObject(update)) =
                    seq.next_element::<JsonObject<IngestUpdate<'de, CatalogueSignals>>>()?
                {
                    if items.len() == MAX_UPDATES {
                        return Err(A::Error::custom("too many updates"));
                    }
                    items.push(convert_update(update));
                }
                Ok(UpdateList(items))
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// A value that is parsed from a JSON object only. Without this wrapper serde accepts an array for a struct too.
struct JsonObject<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JsonObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = JsonObject<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonObject<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(JsonObject)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_parsed_in_one_pass(body: &str) -> bool {
        serde_json::from_str::<JsonObject<UpdatesBody>>(body).is_ok()
    }

    #[test]
    fn a_body_with_an_item_of_another_shape_is_not_parsed_in_one_pass() {
        let item = r#"{"device_id":"d","signals":{"speed_kmh":1}}"#;
        assert!(is_parsed_in_one_pass(&format!(
            r#"{{"updates":[{item}, {item}]}}"#
        )));
        for body in [
            format!(r#"{{"updates":[{item}]}}}}"#),
            format!(r#"{{"updates":[{item}],"more":1}}"#),
            format!(r#"{{"updates":[{item}],"updates":[{item}]}}"#),
            format!("[[{item}]]"),
            r#"{"updates":[["d",null,null,null,null,{}]]}"#.to_owned(),
            r#"{"updates":{"0":1}}"#.to_owned(),
            format!(r#"{{"updates":[{item},7]}}"#),
            format!(
                r#"{{"updates":[{}]}}"#,
                vec![item; MAX_UPDATES + 1].join(",")
            ),
        ] {
            assert!(
                !is_parsed_in_one_pass(&body),
                "{}",
                &body[..body.len().min(80)]
            );
        }
    }

    fn any_item() -> impl Strategy<Value = String> {
        let device = prop_oneof![
            Just(r#""device_id":"d-1","#),
            Just(r#""device_id":"\u0064","#),
            Just(r#""device_id":"-d","#),
            Just(r#""provider_id":"p","external_id":"e","#),
            Just(r#""provider_id":"p","#),
            Just(""),
        ];
        let time = prop_oneof![
            Just(r#""observed_at":"2026-11-23T08:00:00.1234567Z","#),
            Just(r#""observed_at":"yesterday","#),
            Just(r#""observed_at":null,"#),
            Just(r#""message_id":"m\n1","#),
            Just(""),
        ];
        let signals = prop_oneof![
            Just(r#""signals":{"speed_kmh":40.5,"odometer_km":-1,"wings":2}"#),
            Just(r#""signals":{"position":{"latitude_deg":52.1,"longitude_deg":4.3}}"#),
            Just(r#""signals":{"plugged_in":null}"#),
            Just(r#""signals":{}"#),
        ];
        (device, time, signals)
            .prop_map(|(device, time, signals)| format!("{{{device}{time}{signals}}}"))
    }

    proptest! {
        #[test]
        fn both_ways_of_parsing_give_the_same_items(items in prop::collection::vec(any_item(), 1..6)) {
            let body = format!(r#"{{"updates": [{}]}}"#, items.join(" , "));
            prop_assert!(is_parsed_in_one_pass(&body), "{}", body);
            let (Ok(in_one_pass), Ok(one_by_one)) =
                (parse_batch(body.as_bytes()), parse_one_by_one(body.as_bytes()))
            else {
                panic!("{body}")
            };
            prop_assert_eq!(in_one_pass, one_by_one);
        }
    }
}
