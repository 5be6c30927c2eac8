//! What can be odd about a single vehicle.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::protocol::SignalName;
use crate::replay::Recording;

/// How a vehicle reports. In JSON tagged by `kind`: `{"kind":"frozen","at":"2026-11-23T08:00:00Z"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// As it should.
    #[default]
    Reporting,
    /// From `at` on, the provider no longer has the vehicle in its answer.
    SilentSince {
        /// May lie in the past or in the future.
        at: DateTime<Utc>,
    },
    /// Never in the answer.
    Omitted,
    /// From `at` on in the answer with the same old reading, again and again.
    Frozen {
        /// May lie in the past or in the future.
        at: DateTime<Utc>,
    },
    /// In the answer, without some of its signals.
    WithoutSignals {
        /// Those it does not have.
        signals: Vec<SignalName>,
    },
    /// A recorded drive in place of a simulated one, begun when the vehicle got this behaviour. It is
    /// shown in JSON, and can only be set from Rust.
    #[serde(skip_deserializing)]
    Replay(Recording),
}
