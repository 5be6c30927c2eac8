//! The payload of a `TelematicsUpdateAccepted`: columns for what each of them says, JSON for what few do.

use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::acceptance::{AcceptedUpdate, SnapshotMove};
use domain::signals::DroppedSignal;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// What is told in the row's `payload` as it is read.
#[derive(Deserialize)]
pub(crate) struct RareMembers {
    /// What the update brought in vain.
    #[serde(default)]
    pub(crate) dropped_signals: Vec<DroppedSignal>,
}

/// The members of an accepted update's `payload`, as they are written.
#[derive(Serialize)]
pub(super) struct RareMembersToWrite<'u> {
    /// The newest time that the snapshot holds, where the update brought nothing that new.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_observed_at: Option<TimeText>,
    /// The signals that the update brought in vain.
    #[serde(
        skip_serializing_if = "<[_]>::is_empty",
        serialize_with = "without_nul"
    )]
    dropped_signals: &'u [DroppedSignal],
}

impl<'u> RareMembersToWrite<'u> {
    /// Returns `None` for an update without any of these members, as most are.
    pub(super) fn new(moved: &SnapshotMove<'_>, update: &AcceptedUpdate<'u>) -> Option<Self> {
        let newest = moved.newest_observed_at;
        let members = Self {
            newest_observed_at: (newest > update.observed_at).then_some(TimeText(newest)),
            dropped_signals: update.dropped,
        };
        let has_any = members.newest_observed_at.is_some() || !members.dropped_signals.is_empty();
        has_any.then_some(members)
    }
}

/// Writes dropped signals with U+FFFD in the place of NUL, which a sender's name of a signal may have: PostgreSQL
/// stores a JSON document with an escaped NUL, but cannot look into it.
fn without_nul<S: Serializer>(dropped: &[DroppedSignal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(dropped.iter().map(|one| DroppedSignal {
        signal: one.signal.replace('\0', "\u{fffd}"),
        reason: one.reason,
    }))
}

/// The members that have columns of their own; those columns are NULL in events of other types.
pub(crate) struct CommonMembers {
    pub(crate) vehicle_id: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) activation_id: Option<Uuid>,
    pub(crate) version: Option<i64>,
    pub(crate) payload_prepared_at: Option<DateTime<Utc>>,
    pub(crate) normalized_values: Option<serde_json::Value>,
}

impl CommonMembers {
    /// The specification's fields, from the columns and what the row's `payload` has.
    pub(crate) fn join(self, mut payload: serde_json::Value) -> serde_json::Value {
        let members = [
            ("vehicle_id", self.vehicle_id.map(Into::into)),
            ("provider", self.provider_id.map(Into::into)),
            (
                "activation_id",
                self.activation_id.map(|id| id.to_string().into()),
            ),
            ("version", self.version.map(Into::into)),
            (
                "payload_prepared_at",
                self.payload_prepared_at
                    .map(|at| TimeText(at).to_string().into()),
            ),
            ("normalized_values", self.normalized_values),
        ];
        if let serde_json::Value::Object(payload) = &mut payload {
            let told = members
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            payload.extend(told);
        }
        payload
    }
}
