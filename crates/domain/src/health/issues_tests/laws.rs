//! What holds for the issues of every fleet.

use proptest::prelude::*;

use super::*;

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
