//! A device whose updates are refused.

use super::*;

pub fn refused(minutes_ago: i64, polled: bool) -> PollingFacts {
    PollingFacts {
        last_rejection: Some(LastRejection {
            reason: RejectReason::FutureTimestamp,
            at: ago(minutes_ago),
            polled,
        }),
        ..polled_well()
    }
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
