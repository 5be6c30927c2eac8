//! Causes in their order, each from the records that it is found by.

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
