//! One update of a batch, read on its own: whatever is wrong inside it is that item's outcome.

use std::borrow::Cow;

use application::commands::PushedUpdate;
use chrono::{DateTime, SubsecRound, Utc};
use contract::ingest::IngestUpdate;
use domain::acceptance::{Address, Item, Update};
use domain::ids::{DeviceId, ExternalId, ProviderId};
use domain::signals::{ReadSignals, read_signals};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::request::pointer_of;

/// The signals of an update, checked against the catalogue while they are read.
pub(super) struct CatalogueSignals(ReadSignals);

impl<'de> Deserialize<'de> for CatalogueSignals {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_signals(deserializer).map(Self)
    }
}

/// Reads an item. One that is no update becomes [`Item::Malformed`], with a pointer to what is wrong.
pub(super) fn read_item(json: &RawValue) -> PushedUpdate {
    if !json.get().starts_with('{') {
        return malformed(String::new(), "must be a JSON object");
    }
    // Only a malformed item pays for the second reading, which tracks the path.
    let Ok(update) = serde_json::from_str(json.get()) else {
        let (pointer, detail) = explain::<IngestUpdate<'_, CatalogueSignals>>(json);
        return malformed(pointer, &detail);
    };
    convert_update(update)
}

/// Converts an update whose ids have yet to be checked.
pub(super) fn convert_update(update: IngestUpdate<'_, CatalogueSignals>) -> PushedUpdate {
    let message_id = update.message_id.map(Cow::into_owned);
    let address = match address(update.device_id, update.provider_id, update.external_id) {
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

fn address(
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

/// Finds the pointer to what is wrong in an item that cannot be read as a `T`, and what is wrong there.
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

    fn read(json: &str) -> PushedUpdate {
        read_item(serde_json::from_str(json).expect("the case is JSON"))
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
            match read(json).item {
                Item::Malformed { pointer, .. } => assert_eq!(pointer, expected, "{json}"),
                Item::Update(update) => panic!("{json} was read as {update:?}"),
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
