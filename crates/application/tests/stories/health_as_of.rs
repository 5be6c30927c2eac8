//! Health as it was, read from the history, against what was told when it was so.

use std::collections::BTreeSet;

use application::commands::CutoverCommand;
use application::history::{BaselineWatch, compare_snapshots};
use application::queries::{HealthAt, HealthReport, QueryError, evaluate_workspace};
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::{CutoverPatch, Policy, PollOwner};
use domain::health::{HealthState, Reason};
use domain::ids::DeviceId;
use domain::polling::ErrorClass;
use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use testkit::{
    Fixture, Fleet, a_connection, a_device, a_report, a_workspace, an_update, hours, minutes,
    seconds, start,
};

const DEVICES: [&str; 4] = ["bus-1", "bus-2", "bus-3", "bus-4"];
const CONNECTIONS: [&str; 2] = ["sim-main", "sim-slow"];
const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// All that a reader is told, to be compared: causes, but not every record that one was found by.
fn told(report: &HealthReport) -> String {
    let HealthReport { summary, devices } = report;
    let workspace = &summary.record.workspace;
    let mut devices = devices.clone();
    for device in &mut devices {
        device.row.last_rejection = None;
    }
    format!(
        "{:#?}",
        (
            workspace.policy,
            workspace.cutover,
            workspace.active,
            summary.evaluated_at,
            &summary.counts,
            summary.freshness,
            devices
        )
    )
}

/// What is told now; adds the states with their reasons to `seen`.
async fn now(depot: &Fleet, seen: &mut BTreeSet<(HealthState, Option<Reason>)>) -> String {
    let at = HealthAt::Present(depot.core.clock.now());
    let report = evaluate_workspace(&depot.core, &depot.id, at).await;
    let report = report.expect("the health of the workspace");
    let causes = report.devices.iter();
    seen.extend(causes.map(|device| (device.health.state, device.cause.map(|cause| cause.reason))));
    told(&report)
}

async fn past(depot: &Fleet, at: DateTime<Utc>) -> Result<HealthReport, QueryError> {
    evaluate_workspace(&depot.core, &depot.id, HealthAt::Past(at)).await
}

async fn as_of(depot: &Fleet, at: DateTime<Utc>) -> String {
    match past(depot, at).await {
        Ok(report) => told(&report),
        Err(error) => panic!("nothing is told of {at}: {error:?}"),
    }
}

/// Something that happens to a depot.
async fn happen(depot: &Fleet, random: &mut ChaCha8Rng) {
    let now = depot.core.clock.now();
    let device = *DEVICES.choose(random).expect("a device");
    let connection = *CONNECTIONS.choose(random).expect("a connection");
    match random.random_range(0..14) {
        0..6 => {
            let updates: Vec<_> = (0..random.random_range(1..4))
                .map(|_| {
                    an_update(DEVICES.choose(random).expect("a device"))
                        .observed(now - seconds(random.random_range(0..2_000)))
                        .with("speed_kmh", random.random_range(0..90))
                })
                .collect();
            // Of a workspace that is inactive nothing is taken.
            if depot.record().await.workspace.active {
                depot.push(updates).await;
            }
        }
        6..9 => {
            let workspace = depot.record().await.workspace;
            if workspace.polled_since().is_some() {
                let report = a_report(connection);
                let report = match random.random_range(0..4) {
                    0 => report.failed(ErrorClass::Unavailable),
                    1 if speaks_through(depot, device, connection).await => {
                        report.rejecting(device, "future_timestamp")
                    }
                    1 | 2 => report,
                    _ => report.missing([device, "bus-1"]),
                };
                depot.polled([report]).await;
            }
        }
        _ => change(depot, random, device, connection).await,
    }
}

async fn speaks_through(depot: &Fleet, device: &str, connection: &str) -> bool {
    let id = DeviceId::try_new(device).expect("an id");
    let known = depot.core.store.device(&depot.id, &id).await;
    known
        .expect("the store")
        .is_some_and(|known| known.active && known.spec.provider_id.as_str() == connection)
}

/// Somebody changes what is configured.
async fn change(depot: &Fleet, random: &mut ChaCha8Rng, device: &str, connection: &str) {
    match random.random_range(0..5) {
        0 => {
            let through = a_device(device).through(connection);
            depot
                .configure(through.fitted_to(if random.random_bool(0.5) {
                    "tram"
                } else {
                    device
                }))
                .await;
        }
        1 => {
            let id = DeviceId::try_new(device).expect("an id");
            let known = depot.core.store.device(&depot.id, &id).await;
            if known
                .expect("the store")
                .is_some_and(|device| device.active)
            {
                depot.deactivate(device).await;
            }
        }
        2 => {
            let interval = *[2, 5, 10].choose(random).expect("an interval");
            let policy =
                Policy::try_new(interval, 15, random.random_range(5..90)).expect("a policy");
            depot.change_policy(policy).await;
        }
        3 => {
            let connection = a_connection(connection)
                .reporting_every_minutes(random.random_range(3..20))
                .enabled(random.random_bool(0.7));
            depot.connect(connection).await;
        }
        _ => {
            let owners = [PollOwner::Core, PollOwner::Core, PollOwner::Legacy];
            let patch = CutoverPatch {
                poll_owner: owners.choose(random).copied(),
                ..CutoverPatch::default()
            };
            let command = CutoverCommand::Patch(patch);
            depot.change_flags(command).await;
            let active = random.random_bool(0.8);
            depot.set_active(active).await;
        }
    }
}

/// How long nothing happens: also to just before, at and just after what thresholds there are.
fn pause(random: &mut ChaCha8Rng) -> TimeDelta {
    let threshold = *[60, 300, 360, 900, 1_800, 3_600]
        .choose(random)
        .expect("a threshold");
    let around = *[-MICROSECOND, TimeDelta::zero(), MICROSECOND]
        .choose(random)
        .expect("a side");
    match random.random_range(0..3) {
        0 => MICROSECOND,
        1 => seconds(random.random_range(1..400)),
        _ => seconds(threshold) + around,
    }
}

#[tokio::test]
async fn health_as_of_an_instant_is_what_was_told_at_that_instant() {
    let mut seen = BTreeSet::new();
    for seed in 0..8 {
        let fixture = Fixture::create().await;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let depot = a_workspace("north")
            .through(a_connection("sim-main"))
            .through(a_connection("sim-slow"))
            .with_all([
                a_device("bus-1"),
                a_device("bus-2")
                    .through("sim-slow")
                    .silent_for(minutes(20)),
                a_device("bus-3").configured(minutes(30)),
            ])
            .create(&fixture)
            .await;
        let mut remembered = vec![(fixture.clock.now(), now(&depot, &mut seen).await)];
        // Baselines at any moment, and none before the first third.
        let mut baselines = BaselineWatch::default();
        for step in 0..45 {
            fixture.clock.advance(pause(&mut random));
            happen(&depot, &mut random).await;
            if step >= 15 && random.random_bool(0.2) {
                fixture
                    .store()
                    .ensure_partitions(fixture.clock.now())
                    .await
                    .expect("partitions");
                baselines.look(&depot.core).await.expect("baselines");
            }
            remembered.push((fixture.clock.now(), now(&depot, &mut seen).await));
        }
        for (at, then) in &remembered {
            assert_eq!(&as_of(&depot, *at).await, then, "seed {seed}, {at}");
        }
    }
    assert!(seen.len() >= 15, "histories of all kinds: {seen:?}");
}

#[tokio::test]
async fn a_threshold_is_where_it_was() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1").silent_for(minutes(1)))
        .create(&fixture)
        .await;
    fixture.clock.advance(hours(1));
    let stale_at = start() - minutes(1) + minutes(15);
    for (at, stale) in [
        (stale_at - MICROSECOND, 0),
        (stale_at, 0),
        (stale_at + MICROSECOND, 1),
    ] {
        let Ok(report) = past(&depot, at).await else {
            panic!("{at} is within the history");
        };
        assert_eq!(report.summary.counts[&HealthState::Stale], stale, "{at}");
    }
}

/// An update counts from the very instant at which it was accepted.
#[tokio::test]
async fn an_update_counts_from_its_acceptance_on() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot.push([an_update("bus-1").with("speed_kmh", 3)]).await;
    fixture.clock.advance(seconds(1));
    for (at, counts) in [
        (start() - MICROSECOND, false),
        (start(), true),
        (start() + MICROSECOND, true),
    ] {
        let Ok(report) = past(&depot, at).await else {
            panic!("{at} is within the history");
        };
        let facts = report.devices[0].row.facts;
        assert_eq!(facts.last_update_received_at.is_some(), counts, "{at}");
        assert_eq!(facts.newest_observed_at, counts.then_some(start()), "{at}");
    }
}

/// It is the name of a signal that was dropped, as a sender may choose it.
#[tokio::test]
async fn a_name_that_no_text_of_the_database_can_have_is_no_hindrance() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    for (ago, signal) in [(minutes(1), "speed_kmh"), (minutes(2), "range_km")] {
        let update = an_update("bus-1").observed(start() - ago);
        depot.push([update.with(signal, 3).with("warp\0", 9)]).await;
    }
    let told = now(&depot, &mut BTreeSet::new()).await;
    assert_eq!(as_of(&depot, start()).await, told);
    let comparison = compare_snapshots(&depot.core, &depot.id, start()).await;
    let comparison = comparison.expect("the store");
    assert_eq!(comparison.not_proven(), 0, "{comparison:#?}");
}

#[tokio::test]
async fn a_history_begins_with_its_workspace_or_with_the_oldest_baseline_that_is_kept() {
    let fixture = Fixture::create().await;
    let mut depot = a_workspace("north")
        .registered_for(hours(24))
        .with(a_device("bus-1").silent_for(minutes(10)))
        .create(&fixture)
        .await;
    let registered_at = start() - hours(24);
    let since = async |depot: &Fleet, at| match past(depot, at).await {
        Ok(_) => Ok(()),
        Err(QueryError::HistoryNotRetained { since }) => Err(since),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(since(&depot, registered_at).await, Ok(()));
    assert_eq!(
        since(&depot, registered_at - MICROSECOND).await,
        Err(Some(registered_at))
    );

    fixture.clock.advance(hours(48));
    depot.core.rules.event_retention = hours(24);
    let now = fixture.clock.now();
    assert_eq!(since(&depot, now).await, Err(None), "and no baseline yet");
    let store = fixture.store();
    store.ensure_partitions(now).await.expect("partitions");
    BaselineWatch::default()
        .look(&depot.core)
        .await
        .expect("baselines");
    fixture.clock.advance(seconds(1));
    assert_eq!(since(&depot, now).await, Ok(()));
    assert_eq!(since(&depot, now - MICROSECOND).await, Err(Some(now)));

    store
        .drop_event_partitions(now.date_naive())
        .await
        .expect("a drop");
    let Ok(report) = past(&depot, now).await else {
        panic!("the baseline is kept");
    };
    assert_eq!(
        report.devices[0].row.facts.last_update_received_at,
        Some(start() - minutes(10)),
        "by the baseline: the event is gone"
    );
}
