//! The event store: its types of events, its records, and the concealment of credentials in payloads.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::ids::{CycleId, DeviceId, EventId, WorkspaceId};
use crate::vocabulary::words;

words! {
    /// The type of an event. `docs/data-model.md` has the payload of each.
    EventType {
        /// A snapshot moved.
        TelematicsUpdateAccepted = "TelematicsUpdateAccepted",
        /// A poll cycle was queued. The event names an author if the cycle was asked for by hand.
        WorkspacePollCycleTriggered = "WorkspacePollCycleTriggered",
        /// An instance took a cycle, for the first time or after another had lost it.
        WorkspacePollCycleStarted = "WorkspacePollCycleStarted",
        /// A cycle was polled to its end.
        WorkspacePollIngestCompleted = "WorkspacePollIngestCompleted",
        /// A cycle ended without having been polled.
        WorkspacePollCycleClosed = "WorkspacePollCycleClosed",
        /// A workspace was registered, renamed, activated or deactivated.
        WorkspaceConfigured = "WorkspaceConfigured",
        /// Cutover flags were changed or rolled back.
        WorkspaceCutoverChanged = "WorkspaceCutoverChanged",
        /// Cadence or thresholds were changed.
        WorkspacePolicyChanged = "WorkspacePolicyChanged",
        /// A provider connection was made or changed.
        ProviderConnectionConfigured = "ProviderConnectionConfigured",
        /// A provider connection was removed.
        ProviderConnectionRemoved = "ProviderConnectionRemoved",
        /// A device was made, changed or activated again.
        DeviceConfigured = "DeviceConfigured",
        /// A device was deactivated.
        DeviceDeactivated = "DeviceDeactivated",
        /// A follow-up of a silent device was written.
        DeviceFollowUpChanged = "DeviceFollowUpChanged",
        /// A list of silent devices was exported as a spreadsheet.
        WorklistExported = "WorklistExported",
        /// Envelopes in quarantine were interpreted again.
        ProviderEnvelopesReplayed = "ProviderEnvelopesReplayed",
        /// The held state of a device was written down, as once a day.
        DeviceBaselineRecorded = "DeviceBaselineRecorded",
        /// Snapshots that were not what their history adds up to were replaced by what it does.
        SnapshotsRepaired = "SnapshotsRepaired",
    }
}

impl EventType {
    /// The changes that `GET /audit` lists: each names the person or machine that asked for it.
    pub const CHANGES: &'static [Self] = &[
        Self::WorkspaceConfigured,
        Self::WorkspaceCutoverChanged,
        Self::WorkspacePolicyChanged,
        Self::ProviderConnectionConfigured,
        Self::ProviderConnectionRemoved,
        Self::DeviceConfigured,
        Self::DeviceDeactivated,
        Self::DeviceFollowUpChanged,
        Self::WorklistExported,
        Self::WorkspacePollCycleTriggered,
        Self::SnapshotsRepaired,
        Self::ProviderEnvelopesReplayed,
    ];

    /// Returns the change of a word, or `None` if no change is called so.
    pub fn parse_change(word: &str) -> Option<Self> {
        Self::parse(word).filter(|event_type| Self::CHANGES.contains(event_type))
    }
}

/// A recorded event.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// The instant at which the event was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The event's id.
    pub event_id: EventId,
    /// The type of the event; older rows may have words that [`EventType`] no longer knows.
    pub event_type: String,
    /// The device that the event is about, where it is about one device.
    pub device_id: Option<DeviceId>,
    /// The cycle that the event belongs to.
    pub cycle_id: Option<CycleId>,
    /// The W3C trace id of what caused the event.
    pub trace_id: Option<String>,
    /// The author, where somebody asked for what the event says.
    pub changed_by: Option<String>,
    /// The members that the specification names for the event's type.
    pub payload: Value,
}

/// A filter of a workspace's events; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of this type.
    pub event_type: Option<EventType>,
    /// Only events of this device.
    pub device_id: Option<DeviceId>,
    /// Only events of this cycle.
    pub cycle_id: Option<CycleId>,
    /// Only events of this trace: 32 hexadecimal digits in lower case.
    pub trace_id: Option<String>,
}

/// The position of an event in a list that is ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// The instant at which the event was recorded.
    pub at: DateTime<Utc>,
    /// The event's id.
    pub event_id: EventId,
}

/// A recorded change: an event that names its author.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedChange {
    /// The instant at which the change was recorded.
    pub at: DateTime<Utc>,
    /// The id of the change's event.
    pub event_id: EventId,
    /// The type of the change; older rows may have words that [`EventType`] no longer knows.
    pub change_type: String,
    /// The workspace that was changed.
    pub workspace_id: WorkspaceId,
    /// The device that was changed, where the change is about one device.
    pub device_id: Option<DeviceId>,
    /// The author of the change.
    pub changed_by: String,
    /// The W3C trace id of the request.
    pub trace_id: Option<String>,
    /// The payload of the change's event.
    pub details: Value,
}

/// A filter of recorded changes; an absent member leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Only changes of this workspace.
    pub workspace_id: Option<WorkspaceId>,
    /// Only changes of this type, one of [`EventType::CHANGES`].
    pub change_type: Option<EventType>,
    /// Only changes by this author.
    pub changed_by: Option<String>,
    /// Only changes of this device.
    pub device_id: Option<DeviceId>,
    /// Only changes at this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Only changes before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// The text that stands in a credential's place.
pub const CONCEALED: &str = "[concealed]";

/// The parts of names of members that hold a credential.
const NAMES_OF_CREDENTIALS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "authorization",
    "privatekey",
    "credential",
];

/// Returns a payload as it may be shown. Credentials belong into no payload, but a connection's settings are
/// free text: a member that is named like a credential, or a text that looks like one, is concealed. A
/// reference to a credential (`…_ref`) is shown.
#[must_use]
pub fn conceal_credentials(payload: Value) -> Value {
    match payload {
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| {
                let value = if names_a_credential(&name) && !value.is_null() {
                    CONCEALED.into()
                } else {
                    conceal_credentials(value)
                };
                (name, value)
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(conceal_credentials).collect(),
        Value::String(text) if looks_like_a_credential(&text) => CONCEALED.into(),
        plain => plain,
    }
}

fn names_a_credential(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    !letters.ends_with("ref")
        && NAMES_OF_CREDENTIALS
            .iter()
            .any(|part| letters.contains(part))
}

/// Returns whether a text is an `Authorization` header's value, a JWT, or a PEM file.
fn looks_like_a_credential(text: &str) -> bool {
    let scheme = text
        .split_once(' ')
        .is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.contains(' ') && rest.len() >= 8);
    let jwt = text.starts_with("eyJ") && text.matches('.').count() == 2;
    scheme || jwt || text.contains("PRIVATE KEY-----")
}

fn is_scheme(word: &str) -> bool {
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A type that is described is one to ask for, and the other way round.
    #[test]
    fn the_data_model_describes_each_type() {
        let page = include_str!("../../../docs/data-model.md");
        let table = page.split("## Events").nth(1).expect("the section");
        let table = table.split("\n## ").next().expect("its end");
        let mut described: Vec<&str> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let mut known: Vec<&str> = EventType::ALL.iter().map(|word| word.as_str()).collect();
        described.sort_unstable();
        known.sort_unstable();
        assert_eq!(described, known);
    }

    #[test]
    fn what_is_called_or_looks_like_a_credential_is_concealed_at_any_depth() {
        let payload = json!({
            "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
            "settings": {
                "group": "g1", "apiKey": "k", "Client-Secret": {"a": 1}, "auth_token": null,
                "headers": [{"x": "Bearer abcdefgh"}, {"x": "Basic training for drivers"}, "eyJhbGci.eyJzdWIi.c2ln"],
                "pem": "-----BEGIN PRIVATE KEY-----\nMII",
            },
            "from": {"settings": {"password": "p"}},
            "normalized_values": {"2026-11-23T08:00:00Z": {"speed_kmh": 31}},
        });
        let expected = json!({
            "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
            "settings": {
                "group": "g1", "apiKey": CONCEALED, "Client-Secret": CONCEALED, "auth_token": null,
                "headers": [{"x": CONCEALED}, {"x": "Basic training for drivers"}, CONCEALED],
                "pem": CONCEALED,
            },
            "from": {"settings": {"password": CONCEALED}},
            "normalized_values": {"2026-11-23T08:00:00Z": {"speed_kmh": 31}},
        });
        assert_eq!(conceal_credentials(payload), expected);
    }
}
