//! The payload of a `TelematicsUpdateAccepted`: columns for what each of them says, JSON for what few do.

use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::signals::DroppedSignal;
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::recording::AcceptedEvent;

/// What is told in the row's `payload` as it is read.
#[derive(Deserialize)]
pub(crate) struct RareMembers {
    /// What the update brought in vain.
    #[serde(default)]
    pub(crate) dropped_signals: Vec<DroppedSignal>,
}

impl RareMembers {
    /// What an event is to tell there; nothing of most.
    pub(crate) fn json_of(event: &AcceptedEvent<'_>) -> Option<String> {
        #[derive(Serialize)]
        struct Members<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            newest_observed_at: Option<TimeText>,
            #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_kept")]
            dropped_signals: &'a [DroppedSignal],
        }
        if event.newest_observed_at.is_none() && event.dropped_signals.is_empty() {
            return None;
        }
        // Plain values under text keys always have a JSON form.
        serde_json::to_string(&Members {
            newest_observed_at: event.newest_observed_at.map(TimeText),
            dropped_signals: event.dropped_signals,
        })
        .ok()
    }
}

/// Without the one character in their names that PostgreSQL's text cannot have: no document with an escape for it
/// can be looked into.
fn as_kept<S: Serializer>(dropped: &[DroppedSignal], serializer: S) -> Result<S::Ok, S::Error> {
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
