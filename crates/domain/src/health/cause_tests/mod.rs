//! Causes in their order, each from the records that it is found by.

mod polls;
mod refusals;
mod streams;

use chrono::TimeZone;

use super::*;
use crate::fleet::Policy;
use crate::health::evaluate;

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
