//! Which devices make an issue, from when on, and the laws of grouping.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::fleet::Policy;
use crate::health::evaluate;

const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A device with what is known of it.
#[derive(Clone, Debug)]
struct Device {
    id: DeviceId,
    vehicle: VehicleId,
    provider: ProviderId,
    facts: DeviceFacts,
    health: Health,
    cause: Option<Cause>,
    charge_at: Option<DateTime<Utc>>,
}

/// Heard of so long ago, through `sim`, silent for a reason; with a state of charge as old.
fn device(id: &str, silent_for: TimeDelta, reason: Reason) -> Device {
    let at = now() - silent_for;
    let facts = DeviceFacts {
        activated_at: now() - TimeDelta::days(9),
        last_update_received_at: Some(at),
        newest_observed_at: Some(at),
        declared_interval_minutes: None,
    };
    Device {
        charge_at: Some(at),
        ..of_facts(id, facts, reason)
    }
}

/// Never heard of since it was activated.
fn never(id: &str, activated_for: TimeDelta, reason: Reason) -> Device {
    let facts = DeviceFacts {
        activated_at: now() - activated_for,
        last_update_received_at: None,
        newest_observed_at: None,
        declared_interval_minutes: None,
    };
    of_facts(id, facts, reason)
}

fn of_facts(id: &str, facts: DeviceFacts, reason: Reason) -> Device {
    let health = evaluate(&facts, Policy::default(), now());
    Device {
        id: DeviceId::try_new(id).expect("an id"),
        vehicle: VehicleId::try_new(&format!("{id}-vehicle")).expect("an id"),
        provider: ProviderId::try_new("sim").expect("an id"),
        facts,
        health,
        cause: (health.state != HealthState::Healthy).then(|| reason.into()),
        charge_at: None,
    }
}

impl Device {
    fn through(self, provider: &str) -> Self {
        Self {
            provider: ProviderId::try_new(provider).expect("an id"),
            ..self
        }
    }

    fn finding(&self) -> Finding<'_> {
        Finding {
            device_id: &self.id,
            vehicle_id: &self.vehicle,
            provider_id: &self.provider,
            configured_at: self.facts.activated_at,
            facts: &self.facts,
            health: &self.health,
            cause: self.cause,
            state_of_charge_at: self.charge_at,
        }
    }
}

fn issues(devices: &[Device]) -> Vec<Issue<'_>> {
    find_issues(devices.iter().map(Device::finding), now())
}

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

fn any_device() -> impl Strategy<Value = Device> {
    let charge = prop::option::of(0_i64..2_000);
    let silence = prop::option::of(0_i64..3_000);
    let reasons = prop::sample::select(Reason::ALL);
    let providers = prop::sample::select(&["geo", "sim"][..]);
    (
        0_u32..10_000,
        silence,
        0_i64..5_000,
        0_i64..3_000,
        charge,
        reasons,
        providers,
    )
        .prop_map(|(id, silence, activated, lag, charge, reason, provider)| {
            let received = silence.map(|seconds| now() - TimeDelta::seconds(seconds));
            let facts = DeviceFacts {
                activated_at: now() - TimeDelta::seconds(3_000 + activated),
                last_update_received_at: received,
                newest_observed_at: received.map(|at| at - TimeDelta::seconds(lag)),
                declared_interval_minutes: None,
            };
            let device = of_facts(&format!("d{id}"), facts, reason).through(provider);
            Device {
                charge_at: charge
                    .filter(|_| received.is_some())
                    .map(|seconds| now() - TimeDelta::seconds(seconds)),
                ..device
            }
        })
}

/// Devices, no two of one id, and the same in another order.
fn any_fleet() -> impl Strategy<Value = (Vec<Device>, Vec<Device>)> {
    prop::collection::vec(any_device(), 0..40)
        .prop_map(|devices| {
            let by_id: BTreeMap<_, _> = devices
                .into_iter()
                .map(|one| (one.id.clone(), one))
                .collect();
            by_id.into_values().collect::<Vec<_>>()
        })
        .prop_flat_map(|devices| (Just(devices.clone()), Just(devices).prop_shuffle()))
}

/// What the rule says of one device alone, in its own words.
fn is_past_its_threshold(device: &Device) -> bool {
    match device.health.state {
        HealthState::Stale | HealthState::ConfiguredNoData => true,
        HealthState::Delayed => {
            let since = device.health.since.expect("it is not healthy");
            now() - since > TimeDelta::minutes(5)
        }
        HealthState::Healthy | HealthState::AwaitingFirstData => false,
    }
}

proptest! {
    #[test]
    fn each_unhealthy_device_past_its_threshold_is_in_exactly_one_issue((devices, shuffled) in any_fleet()) {
        let found = issues(&devices);
        prop_assert_eq!(&found, &issues(&shuffled));
        for device in &devices {
            let of_device: Vec<_> = found
                .iter()
                .filter(|issue| issue.impacted.iter().any(|one| *one.device_id == device.id))
                .collect();
            let lacks_charge = device.health.state == HealthState::Healthy
                && device.charge_at.is_none_or(|at| now() - at > TimeDelta::minutes(15));
            let listed = is_past_its_threshold(device) || lacks_charge;
            prop_assert_eq!(of_device.len(), usize::from(listed), "{:?}", device);
            for issue in of_device {
                prop_assert_eq!(issue.provider_id, &device.provider);
                match issue.code {
                    IssueCode::Cause(reason) => prop_assert_eq!(device.cause.map(|cause| cause.reason), Some(reason)),
                    IssueCode::SignalMissingOrStale => prop_assert!(lacks_charge),
                }
                prop_assert!(issue.opened_at <= now());
            }
        }
        for issue in &found {
            let counts = issue.impacted_by_state();
            prop_assert_eq!(counts.values().sum::<u32>() as usize, issue.impacted.len());
            prop_assert!(issue.impacted_vehicles() <= issue.impacted.len());
            let never = counts.contains_key(&HealthState::ConfiguredNoData);
            prop_assert!(!never || counts.len() == 1, "never reported, and folded into others");
        }
        let keys: Vec<_> = found.iter().map(Issue::key).collect();
        prop_assert!(keys.is_sorted_by(|a, b| a < b), "{:?}", keys);
    }
}
