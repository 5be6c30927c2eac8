//! What can be wrong with a provider as a whole.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A fault of one account. In JSON tagged by `kind`: `{"kind":"rate_limited","retry_after_seconds":30}`.
///
/// A fault comes before the key: a provider that is down does not say whether the key was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 503 to every request.
    Unavailable,
    /// 401 to every request, whatever the key.
    CredentialsRejected,
    /// 429 to every request.
    RateLimited {
        /// The value of the `Retry-After` header.
        retry_after_seconds: u32,
    },
    /// Accepts requests and never answers them.
    Hang,
    /// Answers with the readings of some time ago.
    Late {
        /// How long ago.
        minutes: u16,
    },
    /// 200 with an HTML page.
    Garbage,
    /// An outage that comes and goes by the clock: up first, then down, and again from the start.
    FlappingUnavailable {
        /// How long it answers.
        up_seconds: u32,
        /// How long it is [`Fault::Unavailable`].
        down_seconds: u32,
    },
}

/// A fault and when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveFault {
    pub(crate) fault: Fault,
    pub(crate) since: DateTime<Utc>,
}

impl ActiveFault {
    /// The fault as a request meets it at `now`: none while a flapping provider is up.
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
