//! Causes that polls leave on record.

use super::*;

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
