//! Fleets that are drawn: devices at, just before and just after every threshold, in each state and under each cause.

use application::commands::{Precondition, change_policy, put_connection, roll_back};
use chrono::TimeDelta;
use domain::fleet::{Cutover, Policy, ReadOwner};
use domain::polling::ErrorClass;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use testkit::{
    AUTHOR, CORE_OWNED, DeviceBuilder, Fixture, Fleet, a_connection, a_device, a_report,
    a_workspace, an_update, hours, minutes, start,
};

/// Ages at, just below and just above what a policy or a connection may make a threshold.
const THRESHOLDS: [i64; 8] = [2, 5, 6, 15, 17, 30, 60, 90];

/// Returns a number below `many`.
fn one_of(random: &mut ChaCha8Rng, many: u32) -> u32 {
    random.next_u32() % many
}

/// Returns one of some values.
fn pick<T: Copy>(random: &mut ChaCha8Rng, all: &[T]) -> T {
    all[random.next_u32() as usize % all.len()]
}

fn some_age(random: &mut ChaCha8Rng) -> TimeDelta {
    let beside = i64::from(one_of(random, 3)) - 1;
    minutes(pick(random, &THRESHOLDS)) + TimeDelta::microseconds(beside)
}

fn some_device(id: &str, random: &mut ChaCha8Rng) -> DeviceBuilder {
    let device = a_device(id).through(pick(random, &["plain", "slow"]));
    match one_of(random, 3) {
        0 => device.configured(some_age(random)),
        _ => device.silent_for(some_age(random)),
    }
}

/// Creates a workspace of some devices, some of them late, with a cycle that went one way or another.
pub async fn some_workspace(fixture: &Fixture, id: &str, random: &mut ChaCha8Rng) -> Fleet {
    let flags = Cutover {
        read_owner: pick(random, ReadOwner::ALL),
        ..CORE_OWNED
    };
    let slow = a_connection("slow").reporting_every_minutes(1 + one_of(random, 20));
    let mut workspace = a_workspace(id)
        .flags(flags)
        .through(a_connection("plain"))
        .through(slow.clone())
        .with(a_device("late").through("slow").configured(hours(3)));
    let devices = 4 + one_of(random, 5);
    for number in 0..devices {
        workspace = workspace.with(some_device(&format!("bus-{number}"), random));
    }
    let fleet = workspace.create(fixture).await;
    bring_late(&fleet, fixture, random).await;
    if one_of(random, 2) == 0 {
        let policy = Policy::try_new(5, pick(random, &[6, 15, 30]), pick(random, &[5, 60, 100]));
        let policy = policy.expect("a policy");
        change_policy(
            &fixture.core,
            AUTHOR,
            &fleet.id,
            policy,
            &Precondition::None,
        )
        .await
        .expect("a change");
    }
    let gone = format!("bus-{}", one_of(random, devices));
    let plain = match one_of(random, 4) {
        0 => a_report("plain").failed(ErrorClass::Unavailable),
        1 => a_report("plain").missing([gone.as_str()]),
        2 => a_report("plain").rejecting(&gone, "future_timestamp"),
        _ => a_report("plain"),
    };
    let slow_report = match one_of(random, 4) {
        0 => a_report("slow").failed(ErrorClass::Timeout),
        _ => a_report("slow"),
    };
    if one_of(random, 4) > 0 {
        fleet
            .seen_by(fixture.core_at(start() - minutes(1)))
            .polled([plain, slow_report])
            .await;
    }
    if one_of(random, 3) == 0 {
        // The registry is core's in each of them, whatever the reads are.
        fleet.deactivate(&gone).await;
    }
    if one_of(random, 6) == 0 {
        let (id, spec) = slow.disabled().build();
        put_connection(
            &fixture.core,
            AUTHOR,
            &fleet.id,
            &id,
            spec,
            &Precondition::None,
        )
        .await
        .expect("a change");
    }
    if one_of(random, 8) == 0 {
        roll_back(&fixture.core, AUTHOR, &fleet.id, None)
            .await
            .expect("a rollback");
    }
    fleet
}

/// Brings a reading that was observed at, just below or just above a lag limit before it arrives.
async fn bring_late(fleet: &Fleet, fixture: &Fixture, random: &mut ChaCha8Rng) {
    let received_at = start() - pick(random, &[minutes(1), minutes(4), minutes(7)]);
    let update = an_update("late")
        .observed(received_at - some_age(random))
        .with("range_km", 100);
    fleet
        .seen_by(fixture.core_at(received_at))
        .push([update])
        .await;
}
