//! Health of a workspace, counted from what is stored, against the rule on each device by itself: at every
//! threshold, a microsecond before and a microsecond after.

use std::collections::BTreeMap;

use application::queries::{HealthAt, evaluate_workspace};
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::Policy;
use domain::health::{DeviceFacts, HealthState, evaluate};
use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use testkit::{
    DeviceBuilder, Fixture, a_connection, a_device, a_workspace, hours, minutes, seconds,
};

const DEVICES: usize = 24;

/// An age at, just below or just above something that a policy or a connection may make a threshold.
fn any_age(random: &mut ChaCha8Rng) -> TimeDelta {
    let threshold = *[
        minutes(5),
        minutes(6),
        minutes(13),
        minutes(15),
        minutes(21),
        minutes(30),
        minutes(36),
        minutes(60),
    ]
    .choose(random)
    .expect("a threshold");
    threshold + TimeDelta::microseconds(random.random_range(-1..=1))
}

/// A device of such an age, or that never reported, with what its health must follow from.
fn any_device(
    place: usize,
    now: DateTime<Utc>,
    random: &mut ChaCha8Rng,
) -> (DeviceBuilder, DeviceFacts) {
    let (connection, declared_interval_minutes) = *[("sim-main", None), ("sim-slow", Some(12))]
        .choose(random)
        .expect("a connection");
    let age = any_age(random);
    let device = a_device(&format!("bus-{place:02}")).through(connection);
    let (device, activated_at, received_at) = if random.random_bool(0.3) {
        (device.configured(age), now - age, None)
    } else {
        (device.silent_for(age), now - hours(24), Some(now - age))
    };
    let facts = DeviceFacts {
        activated_at,
        last_update_received_at: received_at,
        newest_observed_at: received_at,
        declared_interval_minutes,
    };
    (device, facts)
}

#[tokio::test]
async fn counts_are_the_rules_whatever_the_ages_and_the_policy() {
    let fixture = Fixture::create().await;
    let mut seen: BTreeMap<HealthState, u32> = BTreeMap::new();
    for seed in 0..10 {
        let now = fixture.clock.now();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (devices, facts): (Vec<_>, Vec<_>) = (0..DEVICES)
            .map(|place| any_device(place, now, &mut random))
            .unzip();
        let depot = a_workspace(&format!("depot-{seed}"))
            .through(a_connection("sim-main"))
            .through(a_connection("sim-slow").reporting_every_minutes(12))
            .with_all(devices)
            .create(&fixture)
            .await;
        let (interval, stale, grace) = *[(5, 15, 60), (5, 30, 5), (12, 21, 30), (20, 36, 13)]
            .choose(&mut random)
            .expect("a policy");
        let policy = Policy::try_new(interval, stale, grace).expect("a policy");
        depot.change_policy(policy).await;

        let expected: Vec<_> = facts
            .iter()
            .map(|facts| evaluate(facts, policy, now))
            .collect();
        let mut counts: BTreeMap<HealthState, u32> =
            HealthState::ALL.iter().map(|state| (*state, 0)).collect();
        for health in &expected {
            *counts.entry(health.state).or_default() += 1;
            *seen.entry(health.state).or_default() += 1;
        }
        let present = evaluate_workspace(&depot.core, &depot.id, HealthAt::Present(now)).await;
        let present = present.expect("the health of the workspace");
        fixture.clock.advance(seconds(1));
        let past = evaluate_workspace(&depot.core, &depot.id, HealthAt::Past(now)).await;
        let past = past.expect("an instant within the history");
        for (name, report) in [("now", present), ("as of then", past)] {
            assert_eq!(report.summary.counts, counts, "{name}, seed {seed}");
            let told: Vec<_> = report.devices.iter().map(|device| device.health).collect();
            assert_eq!(told, expected, "{name}, seed {seed}");
        }
    }
    assert_eq!(seen.len(), HealthState::ALL.len(), "every state: {seen:?}");
}
