//! Identities. The ids of other services are opaque text, each of its own type; our own are `UUIDv7`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use uuid::{ContextV7, Timestamp, Uuid};

/// A text that breaks the rule of its identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct InvalidId {
    rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $allowed:ident, $max:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The rule that a text must keep.
            pub const RULE: &'static str = $rule;

            /// Checks an id.
            ///
            /// # Errors
            /// [`InvalidId`] when the text breaks [`Self::RULE`].
            pub fn try_new(text: &str) -> Result<Self, InvalidId> {
                if $allowed(text, $max) { Ok(Self(text.into())) } else { Err(InvalidId { rule: $rule }) }
            }

            /// Returns the text as the owning service wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::try_new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::try_new(&text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::try_new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A customer fleet, named by the platform.
    WorkspaceId, is_plain_name, 48,
    "must be 1 to 48 of A-Z a-z 0-9 . _ - and start with a letter or digit"
);
text_id!(
    /// A telematics unit configured in one workspace.
    DeviceId, is_name_with_colon, 64,
    "must be 1 to 64 of A-Z a-z 0-9 . _ - : and start with a letter or digit"
);
text_id!(
    /// The vehicle that a device is fitted to.
    VehicleId, is_name_with_colon, 64,
    "must be 1 to 64 of A-Z a-z 0-9 . _ - : and start with a letter or digit"
);
text_id!(
    /// A provider connection within a workspace.
    ProviderId, is_name_with_colon, 64,
    "must be 1 to 64 of A-Z a-z 0-9 . _ - : and start with a letter or digit"
);
text_id!(
    /// A device's name at its provider.
    ExternalId, is_printable, 128,
    "must be 1 to 128 printable characters"
);
text_id!(
    /// A client's own name for one of its requests.
    IdempotencyKey, is_printable_ascii, 255,
    "must be 1 to 255 printable ASCII characters"
);

fn is_plain_name(text: &str, max: usize) -> bool {
    is_name(text, max, b"._-")
}

fn is_name_with_colon(text: &str, max: usize) -> bool {
    is_name(text, max, b"._-:")
}

fn is_name(text: &str, max: usize, punctuation: &[u8]) -> bool {
    text.len() <= max
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || punctuation.contains(&b))
}

/// Returns whether a person can see all of a text on a line: it has no control, format, separator or
/// unassigned-looking characters, and plain spaces inside only.
fn is_printable(text: &str, max: usize) -> bool {
    let invisible = |c: char| {
        c.is_control()
            || (c.is_whitespace() && c != ' ')
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
    };
    !text.is_empty()
        && text.chars().count() <= max
        && text.trim() == text
        && !text.contains(invisible)
}

fn is_printable_ascii(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

macro_rules! minted_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

minted_id!(
    /// The id of a workspace's poll cycle, run or refused.
    CycleId
);
minted_id!(
    /// The id of a row of the event store.
    EventId
);
minted_id!(
    /// The id of one uninterrupted configuration of a device. A new activation starts an empty snapshot.
    ActivationId
);
minted_id!(
    /// The proof of holding a cycle's lease; it fences what its holder writes.
    LeaseToken
);
minted_id!(
    /// The id of a reconciliation sweep.
    SweepId
);
minted_id!(
    /// The proof of having claimed an idempotency key, a schedule or a sweep.
    ClaimToken
);
minted_id!(
    /// The id of a raw message, a UUID of any version, given by the transport that received it.
    EnvelopeId
);

/// Returns the least `UUIDv7` of an instant: all ids that are minted then or later are above it, and all that
/// were minted earlier are below, to the millisecond.
pub fn first_id_at(instant: DateTime<Utc>) -> Uuid {
    let since_epoch_ms = u128::try_from(instant.timestamp_millis()).unwrap_or(0);
    Uuid::from_u128(since_epoch_ms << 80)
}

/// A source of `UUIDv7`s whose order is the order of minting, by the time it is given.
#[derive(Debug)]
pub struct IdSource {
    sequence: std::sync::Mutex<ContextV7>,
}

impl IdSource {
    /// Makes a source; one in a process is enough.
    pub fn new() -> Self {
        Self {
            sequence: std::sync::Mutex::new(ContextV7::new()),
        }
    }

    /// Returns the next id at `now`.
    pub fn next(&self, now: DateTime<Utc>) -> Uuid {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let sequence = self
            .sequence
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(Timestamp::from_unix(
            &*sequence,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
}

impl Default for IdSource {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instants_first_id_parts_what_was_minted_before_from_what_is_minted_then() {
        let instant = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let ids = IdSource::new();
        let before = ids.next(instant - chrono::TimeDelta::milliseconds(1));
        let then = ids.next(instant);
        assert!(before < first_id_at(instant) && first_id_at(instant) < then);
    }

    #[test]
    fn the_rule_of_each_identity_holds_at_its_edges() {
        for (text, workspace, device) in [
            ("depot-north", true, true),
            ("9", true, true),
            ("a:b", false, true),
            ("", false, false),
            ("-a", false, false),
            (".a", false, false),
            ("a b", false, false),
            ("ä", false, false),
            ("a\0", false, false),
            ("a/b", false, false),
        ] {
            assert_eq!(
                WorkspaceId::try_new(text).is_ok(),
                workspace,
                "workspace {text:?}"
            );
            assert_eq!(DeviceId::try_new(text).is_ok(), device, "device {text:?}");
        }
        assert!(WorkspaceId::try_new(&"a".repeat(48)).is_ok());
        assert!(WorkspaceId::try_new(&"a".repeat(49)).is_err());
        assert!(ProviderId::try_new(&"a".repeat(64)).is_ok());
        assert!(ProviderId::try_new(&"a".repeat(65)).is_err());
    }

    #[test]
    fn an_external_id_is_what_a_person_can_read() {
        assert!(ExternalId::try_new("Büs 14/01 (α)").is_ok());
        assert!(ExternalId::try_new(&"ü".repeat(128)).is_ok());
        for text in ["", " a", "a ", "a\nb", "a\u{0}", "a\u{200b}b", "a\u{202e}b"] {
            assert!(ExternalId::try_new(text).is_err(), "{text:?}");
        }
        assert!(ExternalId::try_new(&"ü".repeat(129)).is_err());
    }

    #[test]
    fn an_idempotency_key_is_printable_ascii() {
        for text in ["a", " ", "~", "6f1c 9b", &"k".repeat(255)] {
            assert!(IdempotencyKey::try_new(text).is_ok(), "{text:?}");
        }
        for text in ["", "a\tb", "a\u{7f}", "ä", &"k".repeat(256)] {
            assert!(IdempotencyKey::try_new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ids_minted_in_one_instant_keep_their_order() {
        let ids = IdSource::new();
        let minted: Vec<Uuid> = (0..1000).map(|_| ids.next(DateTime::UNIX_EPOCH)).collect();
        assert!(minted.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
