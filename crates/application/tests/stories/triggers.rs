//! Triggers: whatever becomes of one, it leaves one row and an answer.

use application::commands::TriggerOutcome::{Duplicate, Expired, Queued, Skipped};
use application::commands::{
    CycleRequest, Precondition, TriggerAnswer, TriggerOutcome, put_workspace, trigger_cycle,
};
use chrono::{DateTime, Utc};
use domain::fleet::{Cutover, PollOwner};
use domain::ids::WorkspaceId;
use domain::polling::CycleStatus;
use futures::future::join_all;
use testkit::{AUTHOR, CORE_OWNED, Fixture, Fleet, a_workspace, minutes, seconds, start};

async fn next_slot(depot: &Fleet) -> DateTime<Utc> {
    depot
        .record()
        .await
        .workspace
        .schedule()
        .slot_at_or_after(depot.core.clock.now())
}

async fn race(depot: &Fleet, scheduled_time: Option<DateTime<Utc>>) -> Vec<TriggerAnswer> {
    let racers = (0..8).map(|n| {
        // EventBridge's seconds are not part of the slot's key.
        let scheduled_time = scheduled_time.map(|slot| slot + seconds(n));
        let depot = depot.clone();
        tokio::spawn(async move { depot.trigger(scheduled_time).await })
    });
    join_all(racers)
        .await
        .into_iter()
        .map(|answer| answer.expect("no panic"))
        .collect()
}

fn assert_one_of_eight(answers: &[TriggerAnswer]) {
    let count = |outcome| {
        answers
            .iter()
            .filter(|answer| answer.outcome == outcome)
            .count()
    };
    assert_eq!((count(Queued), count(Duplicate)), (1, 7));
    assert!(
        answers
            .iter()
            .all(|answer| answer.cycle_id == answers[0].cycle_id)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_triggers_of_a_slot_are_one_cycle() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let slot = next_slot(&depot).await;
    let answers = race(&depot, Some(slot)).await;
    assert_one_of_eight(&answers);
    assert!(answers.iter().all(|answer| answer.scheduled_time == Some(slot) && answer.due_at == answers[0].due_at));
    let rows = depot.cycles().await;
    assert_eq!((rows.len(), rows[0].scheduled_time), (1, Some(slot)));
    assert_eq!(depot.events("WorkspacePollCycleTriggered").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_manual_triggers_are_one_cycle_while_it_waits() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let answers = race(&depot, None).await;
    assert_one_of_eight(&answers);
    assert_eq!(answers[0].due_at, start(), "due now");

    depot.claim(answers[0].cycle_id).await.expect("a claim");
    let next = depot.trigger(None).await;
    assert_eq!(next.outcome, Queued, "the one that runs no longer waits");
    assert_eq!(depot.trigger(None).await.cycle_id, next.cycle_id);
    assert_eq!(depot.cycles().await.len(), 2);
}

/// A trigger that meets a waiting manual cycle just as a worker takes it finds nothing to answer with,
/// and must not fail for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn manual_triggers_never_fail_while_workers_take_what_they_queue() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let triggers: Vec<_> = (0..6)
        .map(|_| {
            let depot = depot.clone();
            tokio::spawn(async move {
                for _ in 0..40 {
                    let answer = depot.trigger(None).await;
                    if let Some(cycle) = depot.claim(answer.cycle_id).await {
                        depot.finish(&cycle).await;
                    }
                }
            })
        })
        .collect();
    for outcome in join_all(triggers).await {
        outcome.expect("every trigger is answered");
    }
}

#[tokio::test]
async fn a_manual_cycle_takes_no_slots_place() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let slot = next_slot(&depot).await;
    fixture.clock.advance(slot - start());
    let manual = depot.trigger(None).await;
    let scheduled = depot.trigger(Some(slot)).await;
    assert_eq!((manual.outcome, scheduled.outcome), (Queued, Queued));
    assert_ne!(manual.cycle_id, scheduled.cycle_id);
}

/// What a trigger is expected to come to.
struct Expected {
    outcome: TriggerOutcome,
    status: CycleStatus,
    reason: Option<&'static str>,
}

const QUEUED: Expected = Expected {
    outcome: Queued,
    status: CycleStatus::Queued,
    reason: None,
};

const fn skipped(reason: &'static str) -> Expected {
    Expected {
        outcome: Skipped,
        status: CycleStatus::Skipped,
        reason: Some(reason),
    }
}

const TOO_LATE: Expected = Expected {
    outcome: Expired,
    status: CycleStatus::Expired,
    reason: Some("too_late"),
};

#[tokio::test]
async fn each_trigger_has_its_outcome() {
    let fixture = Fixture::create().await;
    let polled_by = |poll_owner| Cutover {
        poll_owner,
        ..CORE_OWNED
    };
    let (core, shadow) = (CORE_OWNED, polled_by(PollOwner::BothShadow));
    let legacy = polled_by(PollOwner::Legacy);
    for (name, flags, minutes_off, seconds_late, expected) in [
        ("on-time", core, 0, 0, QUEUED),
        ("shadow", shadow, 0, 0, QUEUED),
        ("at-the-last-instant", core, 0, 360, QUEUED),
        ("late", core, 0, 361, TOO_LATE),
        ("off", core, 1, 60, skipped("not_in_schedule")),
        ("off-and-late", core, 1, 900, TOO_LATE),
        ("legacy", legacy, 0, 900, skipped("not_owner")),
    ] {
        let depot = a_workspace(name).flags(flags).create(&fixture).await;
        let on_time = next_slot(&depot).await;
        let late = depot.seen_by(fixture.core_at(on_time + seconds(seconds_late)));
        assert_comes_to(&late, on_time + minutes(minutes_off), &expected).await;
        let much_later = depot.seen_by(fixture.core_at(on_time + minutes(30)));
        let again = much_later
            .trigger(Some(on_time + minutes(minutes_off)))
            .await;
        assert_eq!(
            (again.outcome, again.status),
            (Duplicate, expected.status),
            "{name}: before all else"
        );
    }
}

#[tokio::test]
async fn an_inactive_workspace_skips_whatever_else_is_wrong() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .flags(Cutover::default())
        .create(&fixture)
        .await;
    let record = depot.record().await;
    put_workspace(
        &depot.core,
        AUTHOR,
        &depot.id,
        &record.workspace.name,
        false,
        None,
        &Precondition::None,
    )
    .await
    .expect("a change");
    let slot = next_slot(&depot).await;
    fixture.clock.advance(minutes(30));
    assert_comes_to(&depot, slot + minutes(1), &skipped("inactive")).await;
}

async fn assert_comes_to(depot: &Fleet, slot: DateTime<Utc>, expected: &Expected) {
    let name = &depot.id;
    let answer = depot.trigger(Some(slot)).await;
    assert_eq!(
        (answer.outcome, answer.status, answer.reason),
        (expected.outcome, expected.status, expected.reason),
        "{name}"
    );
    let row = depot.cycle(answer.cycle_id).await;
    assert_eq!(
        (row.status.as_str(), row.reason.as_deref()),
        (expected.status.as_str(), expected.reason),
        "{name}"
    );
    assert_eq!(
        row.ended_at.is_some(),
        expected.status.is_terminal(),
        "{name}"
    );
    let queued = expected.outcome == Queued;
    let due = queued && answer.due_at <= depot.core.clock.now();
    assert_eq!(depot.claimable().await.len(), usize::from(due), "{name}");
    let recorded = depot.events("WorkspacePollCycleTriggered").await.len();
    assert_eq!(recorded, usize::from(queued), "{name}");
}

#[tokio::test]
async fn a_cycle_is_due_after_the_triggers_imprecision_at_the_workspaces_second() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let slot = next_slot(&depot).await;
    let answer = depot.trigger(Some(slot)).await;
    let second = i64::from(depot.record().await.workspace.schedule().offset_seconds() % 60);
    assert_eq!(answer.due_at, slot + seconds(60 + second));

    fixture.clock.advance(answer.due_at - start() - seconds(1));
    assert!(depot.claimable().await.is_empty());
    assert!(
        depot.claim(answer.cycle_id).await.is_none(),
        "not before it is due"
    );
    fixture.clock.advance(seconds(1));
    assert_eq!(depot.claimable().await, [answer.cycle_id]);
}

#[tokio::test]
async fn nobody_is_triggered_where_there_is_no_workspace() {
    let fixture = Fixture::create().await;
    let id = WorkspaceId::try_new("nowhere").expect("an id");
    let answer = trigger_cycle(&fixture.core, AUTHOR, &id, CycleRequest::default())
        .await
        .expect("the store");
    assert_eq!(answer, None);
}
