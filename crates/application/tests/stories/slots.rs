//! Slots that nothing triggers: recorded as missed, and made up for.

use application::commands::TriggerOutcome::{Duplicate, Queued};
use application::commands::roll_back;
use application::polling::SlotWatch;
use application::{Core, maintain};
use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::Cutover;
use domain::polling::{CycleStatus, CycleTrigger, PollCycle};
use testkit::{
    AUTHOR, CORE_OWNED, Fixture, Fleet, a_workspace, eventually, hours, minutes, seconds, start,
};
use tokio_util::sync::CancellationToken;

/// A depot that was registered just now, and its first slot.
async fn a_new_depot(fixture: &Fixture) -> (Fleet, DateTime<Utc>) {
    let depot = a_workspace("north")
        .registered_for(TimeDelta::zero())
        .create(fixture)
        .await;
    let slot = depot
        .record()
        .await
        .workspace
        .schedule()
        .slot_at_or_after(start());
    (depot, slot)
}

async fn look(core: &Core) {
    SlotWatch::default().look(core).await.expect("the store");
}

fn at(fixture: &Fixture, instant: DateTime<Utc>) {
    fixture.clock.advance(instant - fixture.clock.now());
}

async fn overdue_at(depot: &Fleet, slot: DateTime<Utc>) -> DateTime<Utc> {
    let timetable = depot.record().await.workspace.timetable();
    timetable.due_at(slot, depot.core.rules.trigger_precision) + seconds(15)
}

async fn of_slot(depot: &Fleet, slot: DateTime<Utc>) -> PollCycle {
    let cycles = depot.cycles().await;
    let of_slot = |cycle: &PollCycle| cycle.scheduled_time == Some(slot);
    cycles.into_iter().find(of_slot).expect("a record")
}

#[tokio::test]
async fn a_silent_eventbridge_delays_cycles_by_seconds() {
    let fixture = Fixture::create().await;
    let (depot, first) = a_new_depot(&fixture).await;
    let mut watch = SlotWatch::default();
    for slot in (0..3).map(|n| first + minutes(5) * n) {
        let overdue = overdue_at(&depot, slot).await;
        at(&fixture, overdue - TimeDelta::microseconds(1));
        watch.look(&depot.core).await.expect("the store");
        assert!(depot.claimable().await.is_empty(), "waited for until now");

        at(&fixture, overdue);
        watch.look(&depot.core).await.expect("the store");
        let cycle = of_slot(&depot, slot).await;
        assert_eq!(depot.claimable().await, [cycle.cycle_id]);
        assert_eq!(
            (cycle.trigger, cycle.status.as_str(), cycle.missed_at),
            (CycleTrigger::Recovery, "queued", Some(overdue))
        );
        assert_eq!(cycle.due_at, overdue - seconds(15), "as the slot was");
        depot
            .finish(&depot.claim(cycle.cycle_id).await.expect("a claim"))
            .await;
        let ended = depot.cycle(cycle.cycle_id).await;
        assert_eq!(
            (ended.status.as_str(), ended.missed_at),
            ("completed", Some(overdue)),
            "it stays a slot that was missed"
        );
    }
    assert_eq!(depot.cycles().await.len(), 3);
    let triggered = depot.events("WorkspacePollCycleTriggered").await;
    assert_eq!(triggered.len(), 3);
    assert_eq!(triggered[0].1["trigger"], "recovery");
}

#[tokio::test]
async fn a_trigger_that_comes_after_its_recovery_is_a_duplicate() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    at(&fixture, overdue_at(&depot, slot).await);
    look(&depot.core).await;
    let recovery = of_slot(&depot, slot).await;
    let late = depot.trigger(Some(slot)).await;
    assert_eq!(
        (late.outcome, late.cycle_id, late.status),
        (Duplicate, recovery.cycle_id, CycleStatus::Queued)
    );
}

#[tokio::test]
async fn a_trigger_in_time_leaves_nothing_to_recover() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    at(&fixture, overdue_at(&depot, slot).await - seconds(1));
    assert_eq!(depot.trigger(Some(slot)).await.outcome, Queued);
    fixture.clock.advance(seconds(30));
    look(&depot.core).await;
    let cycle = of_slot(&depot, slot).await;
    assert_eq!(
        (cycle.trigger, cycle.missed_at),
        (CycleTrigger::Scheduled, None)
    );
    assert_eq!(depot.cycles().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_look_at_once_recover_once() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    at(&fixture, overdue_at(&depot, slot + minutes(5)).await);
    let looks = (0..4).map(|_| {
        let instance = fixture.another_instance();
        tokio::spawn(async move { look(&instance).await })
    });
    for looked in futures::future::join_all(looks).await {
        looked.expect("no panic");
    }
    let cycles = depot.cycles().await;
    assert_eq!(cycles.len(), 2);
    assert_eq!(of_slot(&depot, slot).await.status, "missed");
    assert_eq!(
        of_slot(&depot, slot + minutes(5)).await.trigger,
        CycleTrigger::Recovery
    );
    assert_eq!(depot.events("WorkspacePollCycleTriggered").await.len(), 1);
}

#[tokio::test]
async fn after_a_day_without_any_instance_each_slot_has_its_row_and_the_newest_runs() {
    let fixture = Fixture::create().await;
    let (depot, _) = a_new_depot(&fixture).await;
    fixture.clock.advance(hours(30));
    look(&depot.core).await;
    let cycles = depot.cycles().await;
    assert!((287..=288).contains(&cycles.len()), "{}", cycles.len());
    let newest = cycles.iter().max_by_key(|cycle| cycle.scheduled_time);
    let newest = newest.expect("a slot");
    assert_eq!(newest.trigger, CycleTrigger::Recovery);
    assert_eq!(depot.claimable().await, [newest.cycle_id]);
    let missed = |cycle: &&PollCycle| {
        (cycle.status.as_str(), cycle.reason.as_deref()) == ("missed", Some("no_trigger"))
            && cycle.ended_at == cycle.missed_at
    };
    assert_eq!(cycles.iter().filter(missed).count(), cycles.len() - 1);
    look(&depot.core).await;
    assert_eq!(depot.cycles().await.len(), cycles.len(), "once");
}

#[tokio::test]
async fn what_a_newer_slot_already_makes_up_for_is_not_recovered() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    at(&fixture, slot + minutes(5));
    let newer = depot.trigger(Some(slot + minutes(5))).await;
    at(&fixture, newer.due_at);
    look(&depot.core).await;
    assert_eq!(of_slot(&depot, slot).await.status, "missed");
    assert_eq!(depot.claimable().await, [newer.cycle_id]);
}

#[tokio::test]
async fn a_recovery_that_was_not_run_when_the_next_slot_is_due_expires() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    at(&fixture, overdue_at(&depot, slot).await);
    look(&depot.core).await;
    let next = depot.trigger(Some(slot + minutes(5))).await;
    at(&fixture, next.due_at);
    let shutdown = CancellationToken::new();
    let upkeep = tokio::spawn(maintain(depot.core.clone(), shutdown.clone()));
    let expired = eventually("the upkeep ends it", async || {
        let cycle = of_slot(&depot, slot).await;
        cycle.ended_at.map(|_| cycle)
    })
    .await;
    assert_eq!(
        (expired.status.as_str(), expired.reason.as_deref()),
        ("expired", Some("superseded"))
    );
    assert!(expired.missed_at.is_some());
    shutdown.cancel();
    upkeep.await.expect("it ends");
}

async fn set_active(depot: &Fleet, active: bool) {
    depot.set_active(active).await;
}

#[tokio::test]
async fn slots_of_an_inactive_workspace_are_never_missed() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    set_active(&depot, false).await;
    at(&fixture, overdue_at(&depot, slot).await);
    look(&depot.core).await;
    set_active(&depot, true).await;
    look(&depot.core).await;
    assert!(depot.cycles().await.is_empty());

    at(&fixture, overdue_at(&depot, slot + minutes(5)).await);
    look(&depot.core).await;
    assert_eq!(depot.cycles().await.len(), 1, "active again");
}

#[tokio::test]
async fn slots_that_legacy_owned_are_never_missed() {
    let fixture = Fixture::create().await;
    let (depot, slot) = a_new_depot(&fixture).await;
    roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a rollback");
    at(&fixture, overdue_at(&depot, slot).await);
    look(&depot.core).await;
    own(&depot, CORE_OWNED).await;
    look(&depot.core).await;
    assert!(depot.cycles().await.is_empty());

    let next = slot + minutes(5);
    at(&fixture, overdue_at(&depot, next).await - seconds(5));
    let other_flags = Cutover {
        read_owner: domain::fleet::ReadOwner::Legacy,
        ..CORE_OWNED
    };
    own(&depot, other_flags).await;
    fixture.clock.advance(seconds(5));
    look(&depot.core).await;
    assert_eq!(
        of_slot(&depot, next).await.trigger,
        CycleTrigger::Recovery,
        "other flags change nothing in who polls"
    );
}

async fn own(depot: &Fleet, flags: Cutover) {
    let command = application::commands::CutoverCommand::Replace(flags);
    depot.change_flags(command).await;
}

/// The look of a running instance reads again only what was not overdue the last time.
#[tokio::test]
async fn an_instance_that_looks_every_few_seconds_misses_no_gap() {
    let fixture = Fixture::create().await;
    let (depot, first) = a_new_depot(&fixture).await;
    let mut watch = SlotWatch::default();
    let until = first + minutes(21);
    while fixture.clock.now() < until {
        watch.look(&depot.core).await.expect("the store");
        let now = fixture.clock.now();
        let second = first + minutes(5);
        if now >= second
            && depot
                .cycles()
                .await
                .iter()
                .all(|cycle| cycle.scheduled_time != Some(second))
        {
            depot.trigger(Some(second)).await;
        }
        fixture.clock.advance(seconds(17));
    }
    let mut slots: Vec<_> = depot
        .cycles()
        .await
        .into_iter()
        .map(|cycle| {
            (
                cycle.scheduled_time.expect("a slot"),
                cycle.missed_at.is_some(),
            )
        })
        .collect();
    slots.sort();
    let expected: Vec<_> = [true, false, true, true]
        .into_iter()
        .zip(0..)
        .map(|(missed, n)| (first + minutes(5) * n, missed))
        .collect();
    assert_eq!(slots, expected);
}
