//! The circuit breaker of a connection. It is decided from the records of the connection's polls, and so
//! alike on every instance.

use chrono::{DateTime, TimeDelta, Utc};

use super::ErrorClass;

/// The rule by which a connection that keeps failing is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// The number of failed polls in a row that open the circuit; 0 never opens it.
    pub failures: u32,
    /// The time from one probe of an open circuit to the next.
    pub probe_every: TimeDelta,
}

/// The default is five failures, and then a probe in every other cycle of the default cadence: a provider
/// that is back is asked within two intervals.
impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 5,
            probe_every: TimeDelta::minutes(10),
        }
    }
}

/// The time by which a probe may come early: cycles do not start to the second.
const SLACK: TimeDelta = TimeDelta::seconds(30);

/// A poll in which the connection was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedPoll {
    /// The instant at which the poll began.
    pub started_at: DateTime<Utc>,
    /// The class of the failure; `None` for an answer.
    pub failure: Option<ErrorClass>,
}

/// The state of a connection's circuit: whether the connection is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// The connection is asked as ever.
    Closed,
    /// The connection is asked with one request, to see whether the provider is back.
    Probing,
    /// The connection is not asked.
    Open {
        /// The instant at which the next probe is due.
        until: DateTime<Utc>,
    },
}

impl Breaker {
    /// Judges a connection by the latest polls in which it was asked, newest first. The first
    /// [`Self::failures`] of them are enough.
    pub fn judge(self, latest: &[AskedPoll], now: DateTime<Utc>) -> Circuit {
        let failures = usize::try_from(self.failures).unwrap_or(usize::MAX);
        let tripped = latest.len() >= failures
            && latest
                .iter()
                .take(failures)
                .all(|poll| poll.failure.is_some_and(ErrorClass::is_the_providers));
        match latest.first() {
            Some(last) if tripped && failures > 0 => {
                let until = last.started_at + self.probe_every;
                if now + SLACK < until {
                    Circuit::Open { until }
                } else {
                    Circuit::Probing
                }
            }
            _ => Circuit::Closed,
        }
    }
}

impl ErrorClass {
    /// Returns whether the provider failed or refused when it was asked. A failure of our own costs nobody
    /// anything, and is over as soon as it is mended.
    pub const fn is_the_providers(self) -> bool {
        match self {
            Self::CredentialsRejected
            | Self::RateLimited
            | Self::Unavailable
            | Self::Timeout
            | Self::InvalidResponse
            | Self::CursorLoop => true,
            Self::CredentialsUnresolved
            | Self::AddressNotAllowed
            | Self::NotSupported
            | Self::Disabled
            | Self::ProviderNotAllowed
            | Self::CircuitOpen => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(minute: i64) -> DateTime<Utc> {
        let midnight = Utc.with_ymd_and_hms(2026, 11, 23, 0, 0, 0).single();
        midnight.expect("a time") + TimeDelta::minutes(minute)
    }

    /// Polls at these minutes, newest first, all failed so.
    fn failed(class: ErrorClass, minutes: &[i64]) -> Vec<AskedPoll> {
        let poll = |minute: &i64| AskedPoll {
            started_at: at(*minute),
            failure: Some(class),
        };
        minutes.iter().map(poll).collect()
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_every_other_cycle_probes() {
        let breaker = Breaker::default();
        let down = ErrorClass::Unavailable;
        let four = failed(down, &[15, 10, 5, 0]);
        assert_eq!(breaker.judge(&four, at(20)), Circuit::Closed);
        let five = failed(down, &[20, 15, 10, 5, 0]);
        for (now, circuit) in [
            (at(25), Circuit::Open { until: at(30) }),
            (
                at(30) - TimeDelta::seconds(31),
                Circuit::Open { until: at(30) },
            ),
            (at(30) - TimeDelta::seconds(30), Circuit::Probing),
            (at(90), Circuit::Probing),
        ] {
            assert_eq!(breaker.judge(&five, now), circuit, "{now}");
        }
    }

    #[test]
    fn one_answer_among_the_latest_closes_it() {
        let mut polls = failed(ErrorClass::Timeout, &[20, 15, 10, 5, 0]);
        polls[2].failure = None;
        assert_eq!(Breaker::default().judge(&polls, at(25)), Circuit::Closed);
        assert_eq!(Breaker::default().judge(&[], at(25)), Circuit::Closed);
    }

    #[test]
    fn what_is_ours_to_mend_is_tried_every_time() {
        let polls = failed(ErrorClass::CredentialsUnresolved, &[20, 15, 10, 5, 0]);
        assert_eq!(Breaker::default().judge(&polls, at(25)), Circuit::Closed);
    }

    #[test]
    fn no_number_of_failures_opens_a_breaker_that_is_off() {
        let off = Breaker {
            failures: 0,
            ..Breaker::default()
        };
        let polls = failed(ErrorClass::Unavailable, &[5, 0]);
        assert_eq!(off.judge(&polls, at(6)), Circuit::Closed);
    }
}
