//! Positions in lists, as the text of a cursor holds them. The text is ours alone: clients pass cursors back
//! without a look inside.

use std::fmt::Display;

use application::queries::OverviewRank;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::acceptance::{RejectReason, RejectionKey};
use domain::events::EventPosition;
use domain::health::{IssueKey, WorklistPosition};
use domain::ids::{
    CycleId, DeviceId, EnvelopeId, EventId, ExternalId, ProviderId, VehicleId, WorkspaceId,
};

/// A position in a list: what the last item of a page is told apart by, in the order of the list.
pub trait Position: Sized {
    /// Writes the position into a cursor.
    fn write(&self) -> String;

    /// Reads the position back; `None` for a text that was never written so.
    fn read(text: &str) -> Option<Self>;
}

/// Lists in order of an id, or of a version: the position is the id's own text.
macro_rules! positions_by_own_text {
    ($($position:ty: $read:expr;)+) => {
        $(impl Position for $position {
            fn write(&self) -> String {
                self.to_string()
            }

            fn read(text: &str) -> Option<Self> {
                $read(text)
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
    fn write(&self) -> String {
        words([&time_text(self.at), &self.event_id])
    }

    fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once(' ')?;
        Some(Self {
            at: read_time_text(at)?,
            event_id: EventId(id.parse().ok()?),
        })
    }
}

impl Position for WorklistPosition {
    fn write(&self) -> String {
        let since = time_text(self.silent_since);
        words([&since, &self.workspace_id, &self.device_id])
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        Some(Self {
            silent_since: read_time_text(words.next()?)?,
            workspace_id: WorkspaceId::try_new(words.next()?).ok()?,
            device_id: DeviceId::try_new(words.next()?).ok()?,
        })
    }
}

impl Position for OverviewRank {
    fn write(&self) -> String {
        words([
            &self.inactive,
            &self.within_5_minutes,
            &self.cycle_success,
            &self.workspace_id,
        ])
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            inactive: words.next()?.parse().ok()?,
            within_5_minutes: words.next()?.parse().ok()?,
            cycle_success: words.next()?.parse().ok()?,
            workspace_id: WorkspaceId::try_new(words.next()?).ok()?,
        })
    }
}

/// The members of a rejection's key, in the order of its list.
type RejectionMembers = (
    RejectReason,
    Option<ProviderId>,
    Option<ExternalId>,
    Option<DeviceId>,
    Option<String>,
);

impl Position for RejectionKey {
    fn write(&self) -> String {
        let Self {
            reason,
            provider_id,
            external_id,
            device_id,
            pointer,
        } = self;
        // Texts always have a JSON form.
        serde_json::to_string(&(reason, provider_id, external_id, device_id, pointer))
            .unwrap_or_default()
    }

    fn read(text: &str) -> Option<Self> {
        let members: RejectionMembers = serde_json::from_str(text).ok()?;
        let (reason, provider_id, external_id, device_id, pointer) = members;
        // JSON could spell what the database would not take; no pointer of ours has it.
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

fn words<const N: usize>(words: [&dyn Display; N]) -> String {
    words.map(ToString::to_string).join(" ")
}

fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn read_time_text(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejections_key_is_read_as_it_was_written_and_nothing_else_is() {
        let key = RejectionKey {
            reason: RejectReason::IdentityConflict,
            provider_id: ProviderId::try_new("geo:1").ok(),
            external_id: ExternalId::try_new("Bus \"7\" ü").ok(),
            device_id: None,
            pointer: Some("/signals".to_owned()),
        };
        assert_eq!(RejectionKey::read(&key.write()), Some(key));
        for text in [
            "",
            "bus-1",
            "[]",
            r#"["malformed",null,null,null]"#,
            r#"["because",null,null,null,null]"#,
            r#"["malformed","-p",null,null,null]"#,
            r#"["malformed",null,null,null,"\u0000"]"#,
        ] {
            assert_eq!(RejectionKey::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_other_position_is_read_as_its_text_says_and_nothing_else_is() {
        fn check<P: Position>(text: &str, wrong: &[&str]) {
            let read = P::read(text).map(|position| position.write());
            assert_eq!(read.as_deref(), Some(text));
            for wrong in wrong {
                assert!(P::read(wrong).is_none(), "{wrong}");
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
        check::<IssueKey>("stale geo 1", &["", "stale geo 2", "unknown_code geo 1"]);
    }
}
