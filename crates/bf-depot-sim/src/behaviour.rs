//! The ways in which a single vehicle can report, faulty ones included.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::protocol::SignalName;
use crate::replay::Recording;

/// How a vehicle reports. The JSON form is tagged by `kind`: `{"kind":"frozen","at":"2026-11-23T08:00:00Z"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// The vehicle reports as a healthy vehicle does.
    #[default]
    Reporting,
    /// From `at` on, the provider no longer has the vehicle in its answer.
    SilentSince {
        /// The instant from which the vehicle is missing, in the past or in the future.
        at: DateTime<Utc>,
    },
    /// The vehicle is never in the answer.
    Omitted,
    /// From `at` on, the provider repeats the vehicle's readings of that instant in every answer.
    Frozen {
        /// The instant of the repeated readings, in the past or in the future.
        at: DateTime<Utc>,
    },
    /// The vehicle is in the answer, but some of its signals are missing.
    WithoutSignals {
        /// The signals that are missing.
        signals: Vec<SignalName>,
    },
    /// The vehicle repeats a recorded drive, which begins when the vehicle gets this behaviour. The control
    /// endpoints show this behaviour, but only Rust code can set it.
    #[serde(skip_deserializing)]
    Replay(Recording),
}
