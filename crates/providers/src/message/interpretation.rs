//! What a provider's raw stream message says: one of the two entrances to acceptance, the other being
//! a poll's answer.

use domain::fleet::ProviderType;
use domain::ids::ExternalId;
use serde::Deserialize;

use super::ProviderReading;

/// What a raw message says. Reasons are `snake_case` words of an open vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub enum Interpretation {
    /// Readings, in the order of the message; never empty.
    Readings(Vec<ProviderReading>),
    /// The message is understood and carries no reading: `subscription_echo`, `ready`, `acl_answer`,
    /// `provider_error`, `other_domain`, `unused_label`, `no_value`, `no_signals`.
    Ignored {
        /// What the message is instead.
        reason: &'static str,
    },
    /// The message is not understood, and worth keeping until an interpreter does: `not_json`, `unknown_shape`,
    /// `unknown_message_type`, `unknown_label`, `invalid_external_id`, `unsupported_provider_type`.
    NotUnderstood {
        /// Why the message is not understood.
        reason: &'static str,
        /// The same for people: at most 1,000 bytes, and of the message no more than a name.
        detail: String,
    },
}

/// Why a message is not understood: an [`Interpretation::NotUnderstood`] as an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uninterpretable {
    /// A word of the same vocabulary.
    pub reason: &'static str,
    /// The same for people: at most 1,000 bytes, and of the message no more than a name.
    pub detail: String,
}

impl Uninterpretable {
    /// Makes the error of a message that is not understood for this reason.
    pub fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// Makes the error of a message that is JSON and has none of the shapes of its protocol.
    pub fn unknown_shape() -> Self {
        Self::new(
            "unknown_shape",
            "the message has none of the protocol's shapes",
        )
    }

    /// Makes the error of a message of a provider whose messages are not interpreted.
    pub(crate) fn unsupported(provider_type: ProviderType) -> Self {
        Self::new(
            "unsupported_provider_type",
            format!("raw messages of {provider_type} are not interpreted"),
        )
    }
}

impl From<Uninterpretable> for Interpretation {
    fn from(Uninterpretable { reason, detail }: Uninterpretable) -> Self {
        Self::NotUnderstood { reason, detail }
    }
}

/// Parses text as a message's struct. An array is not a message, though serde would take one in a struct's
/// place.
///
/// # Errors
/// The text is not JSON, or it is not an object of this shape.
pub fn parse_message<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Uninterpretable> {
    match serde_json::from_str(text) {
        Ok(message) if text.trim_start().starts_with('{') => Ok(message),
        Err(error) if !error.is_data() => Err(Uninterpretable::new(
            "not_json",
            format!(
                "the message is not JSON (line {} column {})",
                error.line(),
                error.column()
            ),
        )),
        Ok(_) | Err(_) => Err(Uninterpretable::unknown_shape()),
    }
}

/// Quotes a name of the message, cut to what a detail may hold.
pub fn quote_name(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}

/// Parses a device's name at its connection.
///
/// # Errors
/// The name is empty, too long, or not printable.
pub fn parse_external_id(text: &str) -> Result<ExternalId, Uninterpretable> {
    ExternalId::try_new(text).map_err(|invalid| {
        Uninterpretable::new("invalid_external_id", format!("the vehicle's id {invalid}"))
    })
}
