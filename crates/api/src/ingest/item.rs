//! One element of a batch, read on its own: whatever is wrong inside is that item's outcome.

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};
use domain::acceptance::{Address, Item, Update};
use domain::ids::{DeviceId, ExternalId, ProviderId};
use domain::signals::{ReadSignals, read_signals};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::request::pointer_of;

/// The shape of an item.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shape<'a> {
    #[serde(borrow, default)]
    device_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    provider_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    external_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    observed_at: Option<Text<'a>>,
    #[serde(borrow, default)]
    message_id: Option<Text<'a>>,
    signals: Signals,
}

/// A text that is copied only where it holds escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

struct Signals(ReadSignals);

impl<'de> Deserialize<'de> for Signals {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_signals(deserializer).map(Self)
    }
}

/// An item with what is echoed of it.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct ReadItem {
    pub(super) item: Item,
    pub(super) message_id: Option<String>,
}

/// Reads an item; one that is not of the shape says where.
pub(super) fn read_item(json: &RawValue) -> ReadItem {
    if !json.get().starts_with('{') {
        return malformed(String::new(), "must be a JSON object");
    }
    // The path is tracked in a second reading, which only what is malformed pays for.
    let Ok(shape) = serde_json::from_str::<Shape<'_>>(json.get()) else {
        let (pointer, detail) = explain::<Shape<'_>>(json);
        return malformed(pointer, &detail);
    };
    of_shape(shape)
}

/// What an item of the shape says; its ids may still be none.
pub(super) fn of_shape(shape: Shape<'_>) -> ReadItem {
    let message_id = shape.message_id.map(|id| id.0.into_owned());
    let address = match address(shape.device_id, shape.provider_id, shape.external_id) {
        Ok(address) => address,
        Err((pointer, detail)) => {
            return ReadItem {
                message_id,
                ..malformed(pointer.to_owned(), detail)
            };
        }
    };
    let update = Update {
        address,
        observed_at: shape.observed_at.and_then(|text| time(&text.0)),
        signals: shape.signals.0.valid,
        dropped: shape.signals.0.dropped,
    };
    ReadItem {
        item: Item::Update(update),
        message_id,
    }
}

fn address(
    device_id: Option<Text<'_>>,
    provider_id: Option<Text<'_>>,
    external_id: Option<Text<'_>>,
) -> Result<Address, (&'static str, &'static str)> {
    let device_id = device_id
        .map(|text| DeviceId::try_new(&text.0).map_err(|_| ("/device_id", DeviceId::RULE)))
        .transpose()?;
    let provider_id = provider_id
        .map(|text| ProviderId::try_new(&text.0).map_err(|_| ("/provider_id", ProviderId::RULE)))
        .transpose()?;
    let external_id = external_id
        .map(|text| ExternalId::try_new(&text.0).map_err(|_| ("/external_id", ExternalId::RULE)))
        .transpose()?;
    match (device_id, provider_id, external_id) {
        (Some(device_id), provider_id, external_id) => Ok(Address::Device {
            device_id,
            provider_id,
            external_id,
        }),
        (None, Some(provider_id), Some(external_id)) => Ok(Address::External {
            provider_id,
            external_id,
        }),
        (None, Some(_), None) => Err(("/external_id", "is required where device_id is absent")),
        (None, None, Some(_)) => Err(("/provider_id", "is required where device_id is absent")),
        (None, None, None) => Err(("/device_id", "is required, or provider_id with external_id")),
    }
}

/// RFC 3339 with an offset, truncated to microseconds.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(
        DateTime::parse_from_rfc3339(text)
            .ok()?
            .to_utc()
            .trunc_subsecs(6),
    )
}

/// Where in an item that is not of a shape it is not, and what is wrong there.
pub(super) fn explain<'a, T: Deserialize<'a>>(json: &'a RawValue) -> (String, String) {
    let mut deserializer = serde_json::Deserializer::from_str(json.get());
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => {
            let message = error.inner().to_string();
            let message = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(message, _)| message);
            (pointer_of(error.path(), error.inner()), message.to_owned())
        }
        Ok(_) => (String::new(), "is not of the shape".to_owned()),
    }
}

fn malformed(pointer: String, detail: &str) -> ReadItem {
    ReadItem {
        item: Item::Malformed {
            pointer,
            detail: detail.to_owned(),
        },
        message_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> ReadItem {
        read_item(serde_json::from_str(json).expect("the case is JSON"))
    }

    #[test]
    fn what_is_not_of_the_shape_says_where() {
        for (json, expected) in [
            ("7", ""),
            ("null", ""),
            ("[]", ""),
            (r#"{"device_id":"d","observed_at":"x"}"#, "/signals"),
            (r#"{"device_id":"d","signals":[]}"#, "/signals"),
            (r#"{"device_id":"d","signals":null}"#, "/signals"),
            (r#"{"device_id":7,"signals":{}}"#, "/device_id"),
            (r#"{"device_id":"-d","signals":{}}"#, "/device_id"),
            (
                r#"{"device_id":"d","observed_at":5,"signals":{}}"#,
                "/observed_at",
            ),
            (r#"{"device_id":"d","speed":5,"signals":{}}"#, "/speed"),
            (
                r#"{"device_id":"d","device_id":"d","signals":{}}"#,
                "/device_id",
            ),
            (
                r#"{"device_id":"d","signals":{"speed_kmh":1,"speed_kmh":2}}"#,
                "/signals/speed_kmh",
            ),
            (r#"{"signals":{}}"#, "/device_id"),
            (r#"{"provider_id":"p","signals":{}}"#, "/external_id"),
            (r#"{"external_id":"e","signals":{}}"#, "/provider_id"),
            (
                r#"{"provider_id":"p","external_id":"a\u0000b","signals":{}}"#,
                "/external_id",
            ),
        ] {
            match read(json).item {
                Item::Malformed { pointer, .. } => assert_eq!(pointer, expected, "{json}"),
                Item::Update(update) => panic!("{json} was read as {update:?}"),
            }
        }
    }

    #[test]
    fn a_time_without_an_offset_is_no_time_and_no_malformed_item() {
        for (time, readable) in [
            ("\"2026-11-23T08:00:00\"", false),
            ("\"yesterday\"", false),
            ("null", false),
            ("\"2026-11-23T09:00:00+01:00\"", true),
            ("\"2026-11-23T08:00:00.1234567Z\"", true),
        ] {
            let read = read(&format!(
                r#"{{"device_id":"d","message_id":"m","observed_at":{time},"signals":{{"speed_kmh":1}}}}"#
            ));
            let Item::Update(update) = read.item else {
                panic!("{time}")
            };
            assert_eq!(update.observed_at.is_some(), readable, "{time}");
            assert_eq!(read.message_id.as_deref(), Some("m"));
        }
    }
}
