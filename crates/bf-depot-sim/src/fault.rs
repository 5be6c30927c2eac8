//! The faults that a provider can have as a whole.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A fault of one account. The JSON form is tagged by `kind`: `{"kind":"rate_limited","retry_after_seconds":30}`.
///
/// A fault is answered before the key is checked: a provider that is down does not say whether the key was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The provider answers 503 to every request.
    Unavailable,
    /// The provider answers 401 to every request, whatever the key.
    CredentialsRejected,
    /// The provider answers 429 to every request.
    RateLimited {
        /// The value of the `Retry-After` header.
        retry_after_seconds: u32,
    },
    /// The provider accepts requests and never answers them.
    Hang,
    /// The provider answers with the readings of some minutes ago.
    Late {
        /// The age of the readings, in minutes.
        minutes: u16,
    },
    /// The provider answers 200 with an HTML page.
    Garbage,
    /// The provider is up and down by turns, up first.
    FlappingUnavailable {
        /// How long the provider answers, in seconds.
        up_seconds: u32,
        /// How long the provider is [`Fault::Unavailable`], in seconds.
        down_seconds: u32,
    },
}

/// A fault and the instant at which it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveFault {
    pub(crate) fault: Fault,
    pub(crate) since: DateTime<Utc>,
}

impl ActiveFault {
    /// Returns the fault that a request meets at `now`: `None` while a flapping provider is up.
    pub(crate) fn at(&self, now: DateTime<Utc>) -> Option<Fault> {
        match self.fault {
            Fault::FlappingUnavailable {
                up_seconds,
                down_seconds,
            } => {
                let period = (i64::from(up_seconds) + i64::from(down_seconds)).max(1);
                let into_period = (now - self.since).num_seconds().rem_euclid(period);
                (down_seconds > 0 && into_period >= i64::from(up_seconds))
                    .then_some(Fault::Unavailable)
            }
            fault => Some(fault),
        }
    }
}
