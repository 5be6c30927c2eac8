//! Parsing of one update of a batch. An error inside the update becomes the outcome of that item.

use std::borrow::Cow;

use application::commands::PushedUpdate;
use chrono::{DateTime, SubsecRound, Utc};
use contract::ingest::IngestUpdate;
use domain::acceptance::{Address, Item, Update};
use domain::ids::{DeviceId, ExternalId, ProviderId};
use domain::signals::{ReadSignals, read_signals};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::request::find_pointer;

/// The signals of an update, checked against the catalogue while they are parsed.
pub(super) struct CatalogueSignals(ReadSignals);

impl<'de> Deserialize<'de> for CatalogueSignals {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_signals(deserializer).map(Self)
    }
}

/// Parses an item. An item that is not an update becomes [`Item::Malformed`], with a pointer to the member that
/// is wrong.
pub(super) fn parse_item(json: &RawValue) -> PushedUpdate {
    if !json.get().starts_with('{') {
        return malformed(String::new(), "must be a JSON object");
    }
    // Parsing that tracks the path is slow, so only a malformed item is parsed again with it.
    let Ok(update) = serde_json::from_str(json.get()) else {
        let (pointer, detail) = explain_error::<IngestUpdate<'_, CatalogueSignals>>(json);
        return malformed(pointer, &detail);
    };
    convert_update(update)
}

/// Checks the ids of an update and converts it.
pub(super) fn convert_update(update: IngestUpdate<'_, CatalogueSignals>) -> PushedUpdate {
    let message_id = update.message_id.map(Cow::into_owned);
    let address = match parse_address(update.device_id, update.provider_id, update.external_id) {
        Ok(address) => address,
        Err((pointer, detail)) => {
            return PushedUpdate {
                message_id,
                ..malformed(pointer.to_owned(), detail)
            };
        }
    };
    let CatalogueSignals(signals) = update.signals;
    let update = Update {
        address,
        observed_at: update.observed_at.and_then(|text| parse_time(&text)),
        signals: signals.valid,
        dropped: signals.dropped,
    };
    PushedUpdate {
        item: Item::Update(update),
        message_id,
    }
}

fn parse_address(
    device_id: Option<Cow<'_, str>>,
    provider_id: Option<Cow<'_, str>>,
    external_id: Option<Cow<'_, str>>,
) -> Result<Address, (&'static str, &'static str)> {
    let device_id = device_id
        .map(|text| DeviceId::try_new(&text).map_err(|_| ("/device_id", DeviceId::RULE)))
        .transpose()?;
    let provider_id = provider_id
        .map(|text| ProviderId::try_new(&text).map_err(|_| ("/provider_id", ProviderId::RULE)))
        .transpose()?;
    let external_id = external_id
        .map(|text| ExternalId::try_new(&text).map_err(|_| ("/external_id", ExternalId::RULE)))
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

/// Parses an RFC 3339 time with an offset, and truncates it to microseconds.
pub(super) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    Some(
        DateTime::parse_from_rfc3339(text)
            .ok()?
            .to_utc()
            .trunc_subsecs(6),
    )
}

/// Returns the pointer to the first error in an item that is not a `T`, and a text that explains the error.
pub(super) fn explain_error<'a, T: Deserialize<'a>>(json: &'a RawValue) -> (String, String) {
    let mut deserializer = serde_json::Deserializer::from_str(json.get());
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => {
            let message = error.inner().to_string();
            let message = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(message, _)| message);
            (
                find_pointer(error.path(), error.inner()),
                message.to_owned(),
            )
        }
        Ok(_) => (String::new(), "is not of the shape".to_owned()),
    }
}

fn malformed(pointer: String, detail: &str) -> PushedUpdate {
    PushedUpdate {
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

    fn parse(json: &str) -> PushedUpdate {
        parse_item(serde_json::from_str(json).expect("the case is JSON"))
    }

    #[test]
    fn a_malformed_update_is_given_a_pointer() {
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
            match parse(json).item {
                Item::Malformed { pointer, .. } => assert_eq!(pointer, expected, "{json}"),
                Item::Update(update) => panic!("{json} was parsed as {update:?}"),
            }
        }
    }

    #[test]
    fn an_update_without_a_readable_time_is_not_malformed() {
        for (time, readable) in [
            ("\"2026-11-23T08:00:00\"", false),
            ("\"yesterday\"", false),
            ("null", false),
            ("\"2026-11-23T09:00:00+01:00\"", true),
            ("\"2026-11-23T08:00:00.1234567Z\"", true),
        ] {
            let parsed = parse(&format!(
                r#"{{"device_id":"d","message_id":"m","observed_at":{time},"signals":{{"speed_kmh":1}}}}"#
            ));
            let Item::Update(update) = parsed.item else {
                panic!("{time}")
            };
            assert_eq!(update.observed_at.is_some(), readable, "{time}");
            assert_eq!(parsed.message_id.as_deref(), Some("m"));
        }
    }
}
