//! Which devices make one issue, and what it says.

use super::*;

#[test]
fn a_provider_that_is_down_is_one_issue_and_never_reported_devices_are_apart() {
    let hour = TimeDelta::hours(1);
    let mut devices: Vec<Device> = (0..200)
        .map(|n| device(&format!("bus-{n:03}"), hour, Reason::ProviderUnavailable))
        .collect();
    devices.push(never("new", hour * 2, Reason::ProviderUnavailable));
    devices.push(device("other", hour, Reason::ProviderUnavailable).through("geo"));
    devices.push(device("lost", hour * 3, Reason::NotReturnedByProvider));
    devices.push(device("well", TimeDelta::minutes(2), Reason::Unknown));
    devices.push(never(
        "waiting",
        TimeDelta::minutes(5),
        Reason::AwaitingFirstPoll,
    ));
    let found = issues(&devices);
    let told: Vec<_> = found
        .iter()
        .map(|issue| {
            let code = issue.code.as_str();
            (
                code,
                issue.provider_id.as_str(),
                issue.impacted_by_state(),
                issue.severity,
            )
        })
        .collect();
    let stale = |count| BTreeMap::from([(HealthState::Stale, count)]);
    let silent = BTreeMap::from([(HealthState::ConfiguredNoData, 1)]);
    assert_eq!(
        told,
        [
            (
                "not_returned_by_provider",
                "sim",
                stale(1),
                Severity::Warning
            ),
            ("provider_unavailable", "geo", stale(1), Severity::Error),
            ("provider_unavailable", "sim", stale(200), Severity::Error),
            ("provider_unavailable", "sim", silent, Severity::Error),
        ]
    );
    assert_eq!(found[2].impacted_vehicles(), 200);
    assert_eq!(found[2].responsibility, Responsibility::Provider);
}

#[test]
fn a_healthy_device_without_a_state_of_charge_is_an_issue_of_its_own() {
    let minute = TimeDelta::minutes(1);
    let without = Device {
        charge_at: None,
        ..device("without", minute, Reason::Unknown)
    };
    let old = Device {
        charge_at: Some(now() - TimeDelta::hours(2)),
        ..device("old", minute, Reason::Unknown)
    };
    let silent = Device {
        charge_at: None,
        ..device("silent", TimeDelta::hours(1), Reason::NoNewReading)
    };
    let devices = [
        without,
        old,
        silent,
        device("well", minute, Reason::Unknown),
    ];
    let found = issues(&devices);
    assert_eq!(found.len(), 2);
    let signal = &found[1];
    assert_eq!(signal.code, IssueCode::SignalMissingOrStale);
    assert_eq!(signal.severity, Severity::Warning);
    let ids: Vec<_> = signal
        .impacted
        .iter()
        .map(|found| found.device_id.as_str())
        .collect();
    assert_eq!(ids, ["old", "without"]);
    assert_eq!(
        signal.impacted_by_state(),
        BTreeMap::from([(HealthState::Healthy, 2)])
    );
}

#[test]
fn the_next_step_is_for_the_rejection_where_all_have_the_same() {
    let refused = |id, rejection| Device {
        cause: Some(Cause {
            rejection: Some(rejection),
            ..Reason::UpdatesRejected.into()
        }),
        ..device(id, TimeDelta::hours(1), Reason::UpdatesRejected)
    };
    let mut devices = vec![
        refused("a", RejectReason::FutureTimestamp),
        refused("b", RejectReason::FutureTimestamp),
    ];
    assert!(issues(&devices)[0].next_step.contains("set its clock"));
    devices.push(refused("c", RejectReason::NoValidSignals));
    let found = issues(&devices);
    assert!(!found[0].next_step.contains("set its clock"));
    assert_eq!(found[0].rejections.len(), 2);
}

#[test]
fn every_code_is_read_as_it_is_written() {
    for code in IssueCode::all() {
        assert_eq!(IssueCode::parse(code.as_str()), Some(code));
    }
    assert_eq!(IssueCode::parse("because"), None);
}
