//! Positions in lists, and their text inside a cursor. The text is internal to this service: cursors are opaque
//! to clients.

use std::fmt::Display;

use application::queries::OverviewRank;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::acceptance::{RejectReason, RejectionKey};
use domain::events::EventPosition;
use domain::health::{IssueKey, WorklistPosition};
use domain::ids::{
    CycleId, DeviceId, EnvelopeId, EventId, ExternalId, ProviderId, VehicleId, WorkspaceId,
};

/// A position in a list: the sort key of the last item of a page.
pub trait Position: Sized {
    /// Encodes the position as the text for a cursor.
    fn encode(&self) -> String;

    /// Decodes the position; returns `None` for a text that [`Self::encode`] cannot have made.
    fn decode(text: &str) -> Option<Self>;
}

/// Implements [`Position`] for lists in order of an id or a version: the position is the text of that id.
macro_rules! positions_by_own_text {
    ($($position:ty: $decode:expr;)+) => {
        $(impl Position for $position {
            fn encode(&self) -> String {
                self.to_string()
            }

            fn decode(text: &str) -> Option<Self> {
                $decode(text)
            }
        })+
    };
}

positions_by_own_text! {
    WorkspaceId: |text| Self::try_new(text).ok();
    DeviceId: |text| Self::try_new(text).ok();
    VehicleId: |text| Self::try_new(text).ok();
    ProviderId: |text| Self::try_new(text).ok();
    CycleId: |text: &str| text.parse().ok().map(Self);
    EnvelopeId: |text: &str| text.parse().ok().map(Self);
    IssueKey: Self::parse;
    i64: |text: &str| text.parse().ok();
}

impl Position for EventPosition {
    fn encode(&self) -> String {
        join_words([&encode_time(self.at), &self.event_id])
    }

    fn decode(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(' ')?;
        Some(Self {
            at: decode_time(at)?,
            event_id: EventId(id.parse().ok()?),
        })
    }
}

impl Position for WorklistPosition {
    fn encode(&self) -> String {
        let since = encode_time(self.silent_since);
        join_words([&since, &self.workspace_id, &self.device_id])
    }

    fn decode(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        Some(Self {
            silent_since: decode_time(words.next()?)?,
            workspace_id: WorkspaceId::try_new(words.next()?).ok()?,
            device_id: DeviceId::try_new(words.next()?).ok()?,
        })
    }
}

impl Position for OverviewRank {
    fn encode(&self) -> String {
        join_words([
            &self.inactive,
            &self.within_5_minutes,
            &self.cycle_success,
            &self.workspace_id,
        ])
    }

    fn decode(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            inactive: words.next()?.parse().ok()?,
            within_5_minutes: words.next()?.parse().ok()?,
            cycle_success: words.next()?.parse().ok()?,
            workspace_id: WorkspaceId::try_new(words.next()?).ok()?,
        })
    }
}

/// The members of a [`RejectionKey`], in the order by which rejections are listed.
type RejectionMembers = (
    RejectReason,
    Option<ProviderId>,
    Option<ExternalId>,
    Option<DeviceId>,
    Option<String>,
);

impl Position for RejectionKey {
    fn encode(&self) -> String {
        let Self {
            reason,
            provider_id,
            external_id,
            device_id,
            pointer,
        } = self;
        // Serializing cannot fail: every member is a text.
        serde_json::to_string(&(reason, provider_id, external_id, device_id, pointer))
            .unwrap_or_default()
    }

    fn decode(text: &str) -> Option<Self> {
        let members: RejectionMembers = serde_json::from_str(text).ok()?;
        let (reason, provider_id, external_id, device_id, pointer) = members;
        // A forged cursor can hold a NUL, which the database would refuse; no pointer of ours has one.
        let is_legible = |text: &String| !text.contains(char::is_control);
        pointer.iter().all(is_legible).then_some(Self {
            reason,
            provider_id,
            external_id,
            device_id,
            pointer,
        })
    }
}

fn join_words<const N: usize>(words: [&dyn Display; N]) -> String {
    words.map(ToString::to_string).join(" ")
}

fn encode_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn decode_time(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_key_is_decoded_as_it_was_encoded_and_nothing_else_is() {
        let key = RejectionKey {
            reason: RejectReason::IdentityConflict,
            provider_id: ProviderId::try_new("geo:1").ok(),
            external_id: ExternalId::try_new("Bus \"7\" ü").ok(),
            device_id: None,
            pointer: Some("/signals".to_owned()),
        };
        assert_eq!(RejectionKey::decode(&key.encode()), Some(key));
        for text in [
            "",
            "bus-1",
            "[]",
            r#"["malformed",null,null,null]"#,
            r#"["because",null,null,null,null]"#,
            r#"["malformed","-p",null,null,null]"#,
            r#"["malformed",null,null,null,"\u0000"]"#,
        ] {
            assert_eq!(RejectionKey::decode(text), None, "{text}");
        }
    }

    #[test]
    fn every_other_position_is_decoded_from_its_own_text_and_from_nothing_else() {
        fn check<P: Position>(text: &str, wrong: &[&str]) {
            let decode = P::decode(text).map(|position| position.encode());
            assert_eq!(decode.as_deref(), Some(text));
            for wrong in wrong {
                assert!(P::decode(wrong).is_none(), "{wrong}");
            }
        }
        let id = "019ab000-0000-7000-8000-000000000001";
        check::<DeviceId>("bus:1", &["", "bus 1", "-bus"]);
        check::<CycleId>(id, &["", "1"]);
        check::<i64>("7", &["", "7.0", "x"]);
        check::<EventPosition>(
            &format!("2026-11-23T08:00:00.000001Z {id}"),
            &["", id, "x y"],
        );
        check::<WorklistPosition>(
            "2026-11-23T08:00:00.000000Z north bus-1",
            &["", "2026-11-23T08:00:00Z north", "now north bus-1"],
        );
        check::<OverviewRank>(
            "false 9500 4294967295 north",
            &["", "false 1 2", "no 1 2 north"],
        );
        check::<IssueKey>(
            "provider_unavailable geo 1",
            &["", "provider_unavailable geo 2", "unknown_code geo 1"],
        );
    }
}
