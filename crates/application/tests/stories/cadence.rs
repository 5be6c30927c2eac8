//! A workspace whose cadence changes: which slots count, and the one that bridges both schedules.

use application::commands::TriggerOutcome::{Duplicate, Queued, Skipped};
use application::commands::roll_back;
use chrono::{DateTime, Utc};
use domain::fleet::Policy;
use domain::polling::PollInterval;
use testkit::{AUTHOR, Fixture, Fleet, a_workspace, minutes, seconds, start};

fn every(minutes: i64) -> Policy {
    Policy::try_new(minutes, 180, 240).expect("a policy")
}

async fn change(depot: &Fleet, policy: Policy) {
    depot.change_policy(policy).await;
}

fn at(fixture: &Fixture, instant: DateTime<Utc>) {
    fixture.clock.advance(instant - fixture.clock.now());
}

/// The first workspace's offset is 185 s of 300 and 741 s of 1,200: minutes 3 and 12.
#[tokio::test]
async fn the_old_schedules_next_slot_bridges_a_longer_cadence() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    at(&fixture, start() + minutes(3));
    let last = depot.trigger(Some(start() + minutes(3))).await;
    at(&fixture, start() + minutes(4) + seconds(30));
    change(&depot, every(20)).await;

    let cadences = depot.record().await.workspace.cadences;
    assert_eq!(cadences.current.since, start() + minutes(5));
    assert_eq!(
        cadences.previous.map(|cadence| cadence.interval),
        Some(PollInterval::DEFAULT)
    );
    let event = &depot.events("WorkspacePolicyChanged").await[0].1;
    assert_eq!(event["poll_interval_since"], "2026-11-23T08:05:00Z");

    let bridge = start() + minutes(8);
    let [queued, before] = &depot.cycles().await[..] else {
        panic!("a bridge beside the last slot")
    };
    assert_eq!(
        (queued.status.as_str(), queued.scheduled_time),
        ("queued", Some(bridge))
    );
    assert_eq!(queued.due_at - before.due_at, minutes(5));

    at(&fixture, bridge);
    for (minute, outcome) in [
        (3, Duplicate),
        (8, Duplicate),
        (13, Skipped),
        (12, Queued),
        (32, Queued),
    ] {
        let slot = start() + minutes(minute);
        let seen = depot.seen_by(fixture.core_at(slot.max(bridge)));
        let answer = seen.trigger(Some(slot)).await;
        assert_eq!(answer.outcome, outcome, "{minute}");
        let reason = (outcome == Skipped).then_some("not_in_schedule");
        assert_eq!(answer.reason, reason, "{minute}");
    }
    let due: Vec<_> = depot
        .cycles()
        .await
        .into_iter()
        .filter(|cycle| cycle.status == "queued")
        .map(|cycle| cycle.due_at)
        .collect();
    assert!(due.contains(&last.due_at) && due.len() == 4, "{due:?}");
}

/// A trigger of the old schedule that was on its way when the cadence changed is still a slot's.
#[tokio::test]
async fn slots_before_the_change_stay_the_old_schedules() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    at(&fixture, start() + minutes(3) + seconds(5));
    change(&depot, every(20)).await;
    let answer = depot.trigger(Some(start() + minutes(3))).await;
    assert_eq!(answer.outcome, Queued);
    let new_only = depot.trigger(Some(start() - minutes(8))).await;
    assert_eq!(new_only.reason, Some("too_late"), "by the old cadence");
}

#[tokio::test]
async fn a_change_of_thresholds_or_of_what_core_does_not_poll_queues_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let before = depot.record().await.workspace.cadences;
    change(&depot, every(5)).await;
    assert_eq!(depot.record().await.workspace.cadences, before);
    roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a rollback");
    change(&depot, every(20)).await;
    assert!(depot.cycles().await.is_empty());
}
