//! What a provider's raw stream message says: one of the two entrances to acceptance, the other being
//! a poll's answer.

use std::borrow::Cow;

use domain::fleet::ProviderType;
use domain::ids::ExternalId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{ProviderReading, depot_sim, viriciti};

/// What a raw message says. Reasons are `snake_case` words of an open vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub enum Interpretation {
    /// Readings, in the order of the message; never empty.
    Readings(Vec<ProviderReading>),
    /// Understood, and carries no reading: `subscription_echo`, `ready`, `acl_answer`, `provider_error`,
    /// `other_domain`, `unused_label`, `no_value`, `no_signals`.
    Ignored {
        /// What it is instead.
        reason: &'static str,
    },
    /// Not understood, and worth keeping until an interpreter does: `not_json`, `unknown_shape`,
    /// `unknown_message_type`, `unknown_label`, `invalid_external_id`, `unsupported_provider_type`.
    NotUnderstood {
        /// Why.
        reason: &'static str,
        /// For people: at most 1,000 bytes, and of the message no more than a name.
        detail: String,
    },
}

/// Interprets one raw message of a provider: a JSON value, or a string that holds what the provider sent
/// as text. Pure: the same message always says the same, whatever came before it.
pub fn interpret(provider_type: ProviderType, raw_message: &RawValue) -> Interpretation {
    let text = text_of(raw_message);
    match provider_type {
        ProviderType::DepotSim => depot_sim::interpret(&text),
        ProviderType::Viriciti => viriciti::interpret(&text),
        ProviderType::Geotab | ProviderType::Samsara | ProviderType::Rfms => Unclear::new(
            "unsupported_provider_type",
            format!("raw messages of {provider_type} are not interpreted"),
        )
        .into(),
    }
}

/// A JSON string, borrowed where it holds no escapes.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// What the provider sent. Transports that know nothing of JSON forward a text frame as a string.
fn text_of(raw_message: &RawValue) -> Cow<'_, str> {
    let json = raw_message.get();
    if json.starts_with('"') {
        // A string with half of a surrogate pair is JSON and no text: nobody will understand it.
        serde_json::from_str(json).map_or(Cow::Borrowed(json), |Text(text)| text)
    } else {
        Cow::Borrowed(json)
    }
}

/// Why a message is not understood.
#[derive(Debug)]
pub(crate) struct Unclear {
    pub(crate) reason: &'static str,
    /// As in [`Interpretation::NotUnderstood`].
    pub(crate) detail: String,
}

impl Unclear {
    pub(crate) fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// JSON, but none of the shapes that the protocol has.
    pub(crate) fn shape() -> Self {
        Self::new(
            "unknown_shape",
            "the message has none of the protocol's shapes",
        )
    }
}

impl From<Unclear> for Interpretation {
    fn from(Unclear { reason, detail }: Unclear) -> Self {
        Self::NotUnderstood { reason, detail }
    }
}

/// Reads text as a message's struct. An array is no message, though serde would take one in a struct's
/// place.
pub(crate) fn message<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unclear> {
    match serde_json::from_str(text) {
        Ok(message) if text.trim_start().starts_with('{') => Ok(message),
        Err(error) if !error.is_data() => Err(Unclear::new(
            "not_json",
            format!(
                "the message is not JSON (line {} column {})",
                error.line(),
                error.column()
            ),
        )),
        Ok(_) | Err(_) => Err(Unclear::shape()),
    }
}

/// A name of the message, quoted and cut to what a detail may hold.
pub(crate) fn quoted(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}

/// A device's name at its connection, as a message has it.
pub(crate) fn external_id(text: &str) -> Result<ExternalId, Unclear> {
    ExternalId::try_new(text).map_err(|invalid| {
        Unclear::new("invalid_external_id", format!("the vehicle's id {invalid}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).expect("JSON")
    }

    fn reason(provider_type: ProviderType, json: &str) -> &'static str {
        match interpret(provider_type, &raw(json)) {
            Interpretation::Readings(readings) => panic!("{readings:?}"),
            Interpretation::Ignored { reason } | Interpretation::NotUnderstood { reason, .. } => {
                reason
            }
        }
    }

    #[test]
    fn a_provider_without_an_interpreter_is_told_as_such() {
        for provider_type in [
            ProviderType::Geotab,
            ProviderType::Samsara,
            ProviderType::Rfms,
        ] {
            assert_eq!(reason(provider_type, "{}"), "unsupported_provider_type");
        }
    }

    #[test]
    fn a_message_is_a_json_object_or_the_text_of_one() {
        let vehicle = r#"{"id":"bus-1","signals":[{"name":"speed_kmh","value":3,"time":"2026-11-23T08:00:00Z"}]}"#;
        let as_text = serde_json::to_string(vehicle).expect("JSON");
        let read = interpret(ProviderType::DepotSim, &raw(vehicle));
        assert!(matches!(read, Interpretation::Readings(_)), "{read:?}");
        assert_eq!(read, interpret(ProviderType::DepotSim, &raw(&as_text)));
        for (json, expected) in [
            (r#""pong""#, "not_json"),
            (r#""""#, "not_json"),
            (r#""{\"id\":""#, "not_json"),
            (r#""\ud800""#, "not_json"),
            ("null", "unknown_shape"),
            ("[]", "unknown_shape"),
            (r#"["bus-1",[]]"#, "unknown_shape"),
            ("7", "unknown_shape"),
            ("{}", "unknown_shape"),
        ] {
            assert_eq!(reason(ProviderType::DepotSim, json), expected, "{json}");
        }
    }
}
