//! From when on a device is in an issue.

use super::*;

#[test]
fn a_device_is_listed_from_its_first_instant_past() {
    use Reason::NotReturnedByProvider as Missing;
    let charged = TimeDelta::minutes(15);
    let listed_after = |name: &str, after: TimeDelta, of: &dyn Fn(TimeDelta) -> Device, code| {
        for (off, listed) in [
            (-MICROSECOND, false),
            (TimeDelta::zero(), false),
            (MICROSECOND, true),
        ] {
            let devices = [of(after + off)];
            let found = issues(&devices);
            assert_eq!(found.len(), usize::from(listed), "{name} {off}");
            for issue in found {
                assert_eq!(issue.code, code, "{name}");
                assert_eq!(issue.opened_at, now() - MICROSECOND, "{name}");
            }
        }
    };
    let missing = IssueCode::Cause(Missing);
    listed_after(
        "delayed for an interval",
        TimeDelta::minutes(11),
        &|silent| device("a", silent, Missing),
        missing,
    );
    listed_after(
        "never reported",
        TimeDelta::minutes(60),
        &|since| never("a", since, Missing),
        missing,
    );
    listed_after(
        "a state of charge that is stale",
        charged,
        &|age| Device {
            charge_at: Some(now() - age),
            ..device("a", TimeDelta::minutes(1), Missing)
        },
        IssueCode::SignalMissingOrStale,
    );
    listed_after(
        "late by more than allowed for an interval",
        TimeDelta::minutes(15 + 5),
        &|lag| {
            let facts = DeviceFacts {
                newest_observed_at: Some(now() - lag),
                ..device("a", TimeDelta::zero(), Missing).facts
            };
            of_facts("a", facts, Missing)
        },
        missing,
    );
}

#[test]
fn a_stale_device_is_listed_at_once_where_nothing_comes_before() {
    // With a threshold of six minutes, stale comes before a delay of an interval.
    let policy = Policy::try_new(5, 6, 60).expect("a policy");
    for (silent_for, listed) in [
        (TimeDelta::minutes(6), 0),
        (TimeDelta::minutes(6) + MICROSECOND, 1),
    ] {
        let mut device = device("a", silent_for, Reason::NoNewReading);
        device.health = evaluate(&device.facts, policy, now());
        device.charge_at = Some(now());
        device.cause = Some(Reason::NoNewReading.into());
        let devices = [device];
        let found = issues(&devices);
        assert_eq!(found.len(), listed);
        assert!(
            found
                .iter()
                .all(|issue| issue.opened_at == now() - MICROSECOND)
        );
    }
}

#[test]
fn an_issue_does_not_get_younger_when_its_device_becomes_stale() {
    let opened_at = |minutes| {
        let devices = [device("a", TimeDelta::minutes(minutes), Reason::Unknown)];
        issues(&devices)[0].opened_at - devices[0].facts.last_update_received_at.expect("a time")
    };
    for minutes in [12, 15, 16, 500] {
        assert_eq!(opened_at(minutes), TimeDelta::minutes(11), "{minutes}");
    }
}
