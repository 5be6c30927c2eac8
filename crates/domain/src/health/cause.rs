//! Why a device is not healthy, as far as the persisted records can tell.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Cause, DeviceFacts, Health, HealthState, Reason, Responsibility};
use crate::acceptance::RejectReason;
use crate::polling::{ConnectionOutcome, ErrorClass, PollInterval};
use crate::vocabulary::words;

/// Slack beyond an interval before a cycle counts as overdue, as before a device counts as delayed.
const CYCLE_TOLERANCE: TimeDelta = TimeDelta::seconds(60);

words!(
    /// How a provider's stream stands, as whoever holds it says.
    StreamState {
        /// Open, and it brings frames.
        Connected = "connected",
        /// Not open.
        Disconnected = "disconnected",
        /// Open, and it brings nothing.
        Silent = "silent",
        /// The provider does not let it be opened.
        Refused = "refused",
    }
);

/// The latest finished poll of a device's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPoll {
    /// When its cycle started.
    pub started_at: DateTime<Utc>,
    /// How the connection fared.
    pub outcome: ConnectionOutcome,
    /// Why, unless ok.
    pub error_class: Option<ErrorClass>,
}

/// The latest of a device's updates that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRejection {
    /// Why.
    pub reason: RejectReason,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether a poll brought it.
    pub polled: bool,
}

/// What the records say of how a device is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollingFacts {
    /// Workspace active, polls core's, the provider type admitted and the connection enabled.
    pub polling_enabled: bool,
    /// Since when the above can have been so, at the earliest.
    pub polling_possible_since: DateTime<Utc>,
    /// The workspace's cadence.
    pub interval: PollInterval,
    /// When the workspace's latest cycle that ran ended.
    pub last_cycle_ended_at: Option<DateTime<Utc>>,
    /// The latest finished poll of the device's connection.
    pub last_poll: Option<LastPoll>,
    /// How the stream of the device's connection stands, if it has one.
    pub stream: Option<StreamState>,
    /// Whether the latest answer of the provider lacked this device.
    pub absent: bool,
    /// The latest of its updates that was refused.
    pub last_rejection: Option<LastRejection>,
}

/// The first cause that fits; `None` for a healthy device.
pub fn root_cause(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Cause> {
    if health.state == HealthState::Healthy {
        return None;
    }
    let silence = now - polling.listened_until();
    let interval = polling.interval.as_delta();
    if !polling.polling_enabled {
        return Some(Reason::PollingDisabled.into());
    }
    if silence > interval * 2 + CYCLE_TOLERANCE {
        return Some(Reason::CyclesNotRunning.into());
    }
    let cause = polling
        .last_poll
        .and_then(of_failure)
        .or_else(|| polling.stream.and_then(of_stream))
        .or_else(|| of_rejection(device, health, polling, now))
        .or_else(|| of_answer(device, health, polling));
    Some(cause.unwrap_or_else(|| {
        // It was well as of the latest poll; what it lacks is the next.
        if silence > interval + CYCLE_TOLERANCE {
            Reason::CyclesNotRunning.into()
        } else {
            Reason::Unknown.into()
        }
    }))
}

impl PollingFacts {
    /// Until when cycles ran, or had no occasion to.
    fn listened_until(&self) -> DateTime<Utc> {
        self.last_cycle_ended_at
            .map_or(self.polling_possible_since, |ended_at| {
                ended_at.max(self.polling_possible_since)
            })
    }
}

fn of_failure(poll: LastPoll) -> Option<Cause> {
    if poll.outcome != ConnectionOutcome::Failed {
        return None;
    }
    let reason = match poll.error_class? {
        ErrorClass::CredentialsRejected | ErrorClass::CredentialsUnresolved => {
            Reason::ProviderCredentialsRejected
        }
        ErrorClass::RateLimited => Reason::ProviderRateLimited,
        ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::InvalidResponse
        | ErrorClass::CursorLoop
        | ErrorClass::CircuitOpen => Reason::ProviderUnavailable,
        ErrorClass::AddressNotAllowed | ErrorClass::Disabled | ErrorClass::ProviderNotAllowed => {
            Reason::PollingDisabled
        }
        ErrorClass::NotSupported => return None,
    };
    Some(reason.into())
}

fn of_stream(stream: StreamState) -> Option<Cause> {
    match stream {
        StreamState::Connected => None,
        StreamState::Disconnected => Some(Reason::StreamDisconnected.into()),
        StreamState::Silent => Some(Reason::StreamSilent.into()),
        StreamState::Refused => Some(Cause {
            responsibility: Responsibility::Provider,
            ..Reason::StreamDisconnected.into()
        }),
    }
}

/// Its updates still come, and nothing but refusals comes of them.
fn of_rejection(
    device: &DeviceFacts,
    health: &Health,
    polling: &PollingFacts,
    now: DateTime<Utc>,
) -> Option<Cause> {
    let rejection = polling.last_rejection?;
    let is_the_latest = device
        .last_update_received_at
        .is_none_or(|received_at| received_at < rejection.at)
        && rejection.at >= device.activated_at;
    let goes_on = match polling.last_poll {
        Some(poll) if rejection.polled => rejection.at >= poll.started_at,
        _ => now - rejection.at <= health.delayed_after,
    };
    (is_the_latest && goes_on).then(|| Cause {
        rejection: Some(rejection.reason),
        ..Reason::UpdatesRejected.into()
    })
}

/// What the latest answer of the provider says of it.
fn of_answer(device: &DeviceFacts, health: &Health, polling: &PollingFacts) -> Option<Cause> {
    let poll = polling.last_poll.filter(|poll| {
        let switched_off = [ErrorClass::Disabled, ErrorClass::ProviderNotAllowed];
        poll.started_at >= device.activated_at
            && poll
                .error_class
                .is_none_or(|class| !switched_off.contains(&class))
    });
    let silent_in_poll = poll.is_some_and(|poll| {
        poll.outcome == ConnectionOutcome::Ok
            && device
                .last_update_received_at
                .is_none_or(|received_at| received_at < poll.started_at)
    });
    let is_late = health.state == HealthState::Delayed
        && health.age.is_some_and(|age| age <= health.delayed_after);
    let reason = if silent_in_poll && polling.absent {
        Reason::NotReturnedByProvider
    } else if is_late {
        Reason::ProviderLag
    } else if silent_in_poll {
        Reason::NoNewReading
    } else if poll.is_none() {
        Reason::AwaitingFirstPoll
    } else {
        return None;
    };
    Some(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Policy;
    use crate::health::evaluate;
    use chrono::TimeZone;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 23, 8, 0, 0)
            .single()
            .expect("a time")
    }

    fn ago(minutes: i64) -> DateTime<Utc> {
        now() - TimeDelta::minutes(minutes)
    }

    fn silent_for(minutes: i64) -> DeviceFacts {
        DeviceFacts {
            activated_at: ago(24 * 60),
            last_update_received_at: Some(ago(minutes)),
            newest_observed_at: Some(ago(minutes)),
            declared_interval_minutes: None,
        }
    }

    fn polled_well() -> PollingFacts {
        PollingFacts {
            polling_enabled: true,
            polling_possible_since: ago(24 * 60),
            interval: PollInterval::DEFAULT,
            last_cycle_ended_at: Some(ago(2)),
            last_poll: Some(LastPoll {
                started_at: ago(2),
                outcome: ConnectionOutcome::Ok,
                error_class: None,
            }),
            stream: None,
            absent: false,
            last_rejection: None,
        }
    }

    fn streamed(stream: StreamState) -> PollingFacts {
        PollingFacts {
            stream: Some(stream),
            ..polled_well()
        }
    }

    fn refused(minutes_ago: i64, polled: bool) -> PollingFacts {
        PollingFacts {
            last_rejection: Some(LastRejection {
                reason: RejectReason::FutureTimestamp,
                at: ago(minutes_ago),
                polled,
            }),
            ..polled_well()
        }
    }

    fn failed(class: ErrorClass) -> PollingFacts {
        let last_poll = LastPoll {
            started_at: ago(2),
            outcome: ConnectionOutcome::Failed,
            error_class: Some(class),
        };
        PollingFacts {
            last_poll: Some(last_poll),
            ..polled_well()
        }
    }

    fn polled_since(started_at: DateTime<Utc>) -> PollingFacts {
        PollingFacts {
            last_poll: Some(LastPoll {
                started_at,
                outcome: ConnectionOutcome::Ok,
                error_class: None,
            }),
            ..polled_well()
        }
    }

    fn skipped(class: ErrorClass) -> PollingFacts {
        let last_poll = LastPoll {
            started_at: ago(2),
            outcome: ConnectionOutcome::Skipped,
            error_class: Some(class),
        };
        PollingFacts {
            last_poll: Some(last_poll),
            ..polled_well()
        }
    }

    fn silent() -> DeviceFacts {
        silent_for(20)
    }

    fn never() -> DeviceFacts {
        DeviceFacts {
            last_update_received_at: None,
            newest_observed_at: None,
            ..silent()
        }
    }

    fn fresh() -> DeviceFacts {
        DeviceFacts {
            activated_at: ago(1),
            ..never()
        }
    }

    fn late() -> DeviceFacts {
        DeviceFacts {
            newest_observed_at: Some(ago(40)),
            ..silent_for(2)
        }
    }

    /// A device as it is named, with its polls, and the cause that is to be told.
    type Case = (&'static str, DeviceFacts, PollingFacts, Option<Reason>);

    fn assert_causes(cases: impl IntoIterator<Item = Case>) {
        for (name, device, polling, expected) in cases {
            let health = evaluate(&device, Policy::default(), now());
            assert_eq!(
                root_cause(&device, &health, &polling, now()).map(|cause| cause.reason),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn what_stops_us_from_asking_comes_first() {
        assert_causes([
            ("healthy", silent_for(3), polled_well(), None),
            (
                "switched off",
                silent(),
                PollingFacts {
                    polling_enabled: false,
                    ..failed(ErrorClass::Unavailable)
                },
                Some(Reason::PollingDisabled),
            ),
            (
                "cycles stopped",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: Some(ago(12)),
                    ..failed(ErrorClass::Unavailable)
                },
                Some(Reason::CyclesNotRunning),
            ),
            (
                "cycles just short of stopped",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: Some(ago(11)),
                    ..polled_well()
                },
                Some(Reason::NoNewReading),
            ),
            (
                "no cycle ever",
                silent(),
                PollingFacts {
                    last_cycle_ended_at: None,
                    last_poll: None,
                    ..polled_well()
                },
                Some(Reason::CyclesNotRunning),
            ),
            (
                "polling was only just turned on",
                silent(),
                PollingFacts {
                    polling_possible_since: ago(1),
                    last_cycle_ended_at: None,
                    last_poll: None,
                    ..polled_well()
                },
                Some(Reason::AwaitingFirstPoll),
            ),
        ]);
    }

    #[test]
    fn a_failed_provider_comes_before_what_its_devices_do() {
        assert_causes([
            (
                "refused",
                silent(),
                failed(ErrorClass::CredentialsRejected),
                Some(Reason::ProviderCredentialsRejected),
            ),
            (
                "not found",
                silent(),
                failed(ErrorClass::CredentialsUnresolved),
                Some(Reason::ProviderCredentialsRejected),
            ),
            (
                "down",
                silent(),
                failed(ErrorClass::Unavailable),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "hanging",
                silent(),
                failed(ErrorClass::Timeout),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "garbage",
                silent(),
                failed(ErrorClass::InvalidResponse),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "pages in a circle",
                silent(),
                failed(ErrorClass::CursorLoop),
                Some(Reason::ProviderUnavailable),
            ),
            (
                "limited",
                silent(),
                failed(ErrorClass::RateLimited),
                Some(Reason::ProviderRateLimited),
            ),
            (
                "down for a device that never reported",
                never(),
                failed(ErrorClass::Unavailable),
                Some(Reason::ProviderUnavailable),
            ),
        ]);
    }

    #[test]
    fn what_the_provider_said_of_the_device_comes_last() {
        assert_causes([
            (
                "absent",
                silent(),
                PollingFacts {
                    absent: true,
                    ..polled_well()
                },
                Some(Reason::NotReturnedByProvider),
            ),
            (
                "never in an answer",
                never(),
                PollingFacts {
                    absent: true,
                    ..polled_well()
                },
                Some(Reason::NotReturnedByProvider),
            ),
            (
                "same old reading",
                silent(),
                polled_well(),
                Some(Reason::NoNewReading),
            ),
            ("late", late(), polled_well(), Some(Reason::ProviderLag)),
            (
                "late, and missing now",
                late(),
                PollingFacts {
                    absent: true,
                    ..polled_since(ago(1))
                },
                Some(Reason::NotReturnedByProvider),
            ),
            (
                "late, and the same in the next answer",
                late(),
                polled_since(ago(1)),
                Some(Reason::ProviderLag),
            ),
            (
                "not polled since activation",
                fresh(),
                polled_well(),
                Some(Reason::AwaitingFirstPoll),
            ),
            (
                "not polled since the connection was switched on again",
                silent(),
                skipped(ErrorClass::Disabled),
                Some(Reason::AwaitingFirstPoll),
            ),
            (
                "a provider that is not polled at all",
                silent(),
                skipped(ErrorClass::NotSupported),
                Some(Reason::Unknown),
            ),
        ]);
    }

    #[test]
    fn a_stream_comes_after_polls_and_before_devices() {
        assert_causes([
            (
                "connected",
                silent(),
                streamed(StreamState::Connected),
                Some(Reason::NoNewReading),
            ),
            (
                "down",
                silent(),
                PollingFacts {
                    absent: true,
                    ..streamed(StreamState::Disconnected)
                },
                Some(Reason::StreamDisconnected),
            ),
            (
                "silent",
                silent(),
                PollingFacts {
                    last_rejection: refused(1, false).last_rejection,
                    ..streamed(StreamState::Silent)
                },
                Some(Reason::StreamSilent),
            ),
            (
                "down beside failing polls",
                silent(),
                PollingFacts {
                    stream: Some(StreamState::Disconnected),
                    ..failed(ErrorClass::Unavailable)
                },
                Some(Reason::ProviderUnavailable),
            ),
        ]);
        let whose = |stream| {
            let device = silent();
            let health = evaluate(&device, Policy::default(), now());
            root_cause(&device, &health, &streamed(stream), now()).map(|cause| cause.responsibility)
        };
        assert_eq!(whose(StreamState::Disconnected), Some(Responsibility::Ours));
        assert_eq!(whose(StreamState::Refused), Some(Responsibility::Provider));
    }

    #[test]
    fn refusals_count_while_they_go_on() {
        let updates_rejected = Some(Reason::UpdatesRejected);
        assert_causes([
            (
                "by the latest poll",
                silent(),
                refused(2, true),
                updates_rejected,
            ),
            (
                "and though it is said to be absent",
                silent(),
                PollingFacts {
                    absent: true,
                    ..refused(2, true)
                },
                updates_rejected,
            ),
            (
                "by the poll before",
                silent(),
                refused(7, true),
                Some(Reason::NoNewReading),
            ),
            ("of a push", silent(), refused(6, false), updates_rejected),
            (
                "of a push, too long ago",
                silent(),
                refused(7, false),
                Some(Reason::NoNewReading),
            ),
            (
                "and one was accepted since",
                late(),
                refused(3, false),
                Some(Reason::ProviderLag),
            ),
            (
                "of a push to what is not polled",
                silent(),
                PollingFacts {
                    last_poll: None,
                    ..refused(1, false)
                },
                updates_rejected,
            ),
            (
                "of the activation before",
                fresh(),
                refused(2, false),
                Some(Reason::AwaitingFirstPoll),
            ),
        ]);
        let device = silent();
        let health = evaluate(&device, Policy::default(), now());
        let cause = root_cause(&device, &health, &refused(1, false), now()).expect("a cause");
        assert_eq!(cause.rejection, Some(RejectReason::FutureTimestamp));
        assert!(cause.next_step().contains("clock"), "{}", cause.next_step());
    }

    /// A device that the latest poll still found well is late because the next poll is.
    #[test]
    fn what_only_lacks_the_next_poll_waits_for_a_cycle() {
        let heard_of_in_the_latest_poll = |minutes| {
            let polling = PollingFacts {
                last_cycle_ended_at: Some(ago(minutes)),
                ..polled_since(ago(minutes))
            };
            (silent_for(minutes), polling)
        };
        let (device, polling) = heard_of_in_the_latest_poll(7);
        assert_causes([("overdue", device, polling, Some(Reason::CyclesNotRunning))]);
    }

    #[test]
    fn every_reason_says_whose_it_is_and_what_to_do() {
        for reason in Reason::ALL {
            let cause = Cause::from(*reason);
            assert!(cause.next_step().ends_with('.'), "{reason}");
        }
        for rejection in RejectReason::ALL {
            let cause = Cause {
                rejection: Some(*rejection),
                ..Reason::UpdatesRejected.into()
            };
            assert!(cause.next_step().contains("unit"), "{rejection}");
        }
    }
}
