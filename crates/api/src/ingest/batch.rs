//! The body of a batch. Where every item is of its shape, as nearly always, all are read in one go; else one by
//! one, so that whatever is wrong inside one is that item's outcome.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::item::{ReadItem, Shape, of_shape, read_item};
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::read_json;

/// Updates of one batch, at most.
const UPDATES_AT_MOST: usize = 10_000;

/// Reads the items of a batch.
///
/// # Errors
/// 400 where the body is not of its shape or has no item, 413 where it has too many.
pub(super) fn read_batch(bytes: &[u8]) -> Result<Vec<ReadItem>, Problem> {
    let items = match serde_json::from_slice(bytes) {
        Ok(Object(SoundBody {
            updates: SoundItems(items),
        })) => items,
        Err(_) => read_one_by_one(bytes)?,
    };
    if items.is_empty() {
        return Err(Problem::invalid(vec![FieldError::pointer(
            "/updates",
            "must have at least one update",
        )]));
    }
    Ok(items)
}

fn read_one_by_one(bytes: &[u8]) -> Result<Vec<ReadItem>, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body<'a> {
        #[serde(borrow)]
        updates: Vec<&'a RawValue>,
    }
    let body: Body<'_> = read_json(bytes)?;
    if body.updates.len() > UPDATES_AT_MOST {
        return Err(Problem::of(ProblemKind::PAYLOAD_TOO_LARGE)
            .detail(format!("a batch may have {UPDATES_AT_MOST} updates")));
    }
    Ok(body.updates.into_iter().map(read_item).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoundBody {
    updates: SoundItems,
}

/// As many as a batch may have; one more and it is not sound.
struct SoundItems(Vec<ReadItem>);

impl<'de> Deserialize<'de> for SoundItems {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = SoundItems;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of updates")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SoundItems, A::Error> {
                let mut items = Vec::new();
                while let Some(Object(shape)) = seq.next_element::<Object<Shape<'de>>>()? {
                    if items.len() == UPDATES_AT_MOST {
                        return Err(A::Error::custom("too many updates"));
                    }
                    items.push(of_shape(shape));
                }
                Ok(SoundItems(items))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

/// What is an object and nothing else: serde reads a struct from an array as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_sound(body: &str) -> bool {
        serde_json::from_str::<Object<SoundBody>>(body).is_ok()
    }

    #[test]
    fn what_is_not_of_its_shape_is_not_read_in_one_go() {
        let item = r#"{"device_id":"d","signals":{"speed_kmh":1}}"#;
        assert!(is_sound(&format!(r#"{{"updates":[{item}, {item}]}}"#)));
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
                vec![item; UPDATES_AT_MOST + 1].join(",")
            ),
        ] {
            assert!(!is_sound(&body), "{}", &body[..body.len().min(80)]);
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
        fn both_ways_read_the_same(items in prop::collection::vec(any_item(), 1..6)) {
            let body = format!(r#"{{"updates": [{}]}}"#, items.join(" , "));
            prop_assert!(is_sound(&body), "{}", body);
            let (Ok(at_once), Ok(one_by_one)) =
                (read_batch(body.as_bytes()), read_one_by_one(body.as_bytes()))
            else {
                panic!("{body}")
            };
            prop_assert_eq!(at_once, one_by_one);
        }
    }
}
