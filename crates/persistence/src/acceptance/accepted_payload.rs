//! The payload of a `TelematicsUpdateAccepted` event. Members of every such event have columns; rare members are JSON.

use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::acceptance::{AcceptedUpdate, SnapshotMove};
use domain::signals::DroppedSignal;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// The rare members of an accepted update, as they are read from the column `payload`.
#[derive(Deserialize)]
pub(crate) struct RareMembers {
    /// The signals of the update that were not accepted.
    #[serde(default)]
    pub(crate) dropped_signals: Vec<DroppedSignal>,
}

/// The rare members of an accepted update, as they are written to the column `payload`.
#[derive(Serialize)]
pub(super) struct RareMembersToWrite<'u> {
    /// The newest observation time in the snapshot; `None` if the update itself is the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest_observed_at: Option<TimeText>,
    /// The signals of the update that were not accepted.
    #[serde(
        skip_serializing_if = "<[_]>::is_empty",
        serialize_with = "without_nul"
    )]
    dropped_signals: &'u [DroppedSignal],
}

impl<'u> RareMembersToWrite<'u> {
    /// Collects the rare members of an update. Returns `None` if the update has none of them, which is the usual case.
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

/// Serializes dropped signals with U+FFFD in the place of NUL, which a sender's name of a signal may contain.
/// PostgreSQL stores a JSON document with an escaped NUL, but fails when a statement reads a member of the document.
fn without_nul<S: Serializer>(dropped: &[DroppedSignal], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(dropped.iter().map(|one| DroppedSignal {
        signal: one.signal.replace('\0', "\u{fffd}"),
        reason: one.reason,
    }))
}

/// The members of an accepted update that have columns. The columns are NULL in events of other types.
pub(crate) struct CommonMembers {
    pub(crate) vehicle_id: Option<String>,
    pub(crate) provider_id: Option<String>,
    pub(crate) activation_id: Option<Uuid>,
    pub(crate) version: Option<i64>,
    pub(crate) payload_prepared_at: Option<DateTime<Utc>>,
    pub(crate) normalized_values: Option<serde_json::Value>,
}

impl CommonMembers {
    /// Joins the columns with the members of `payload` to the complete payload of the specification.
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
            let members = members
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)));
            payload.extend(members);
        }
        payload
    }
}
