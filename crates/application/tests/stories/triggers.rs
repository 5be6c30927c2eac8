//! Triggers: whatever becomes of one, it leaves one row and an answer.

use application::commands::TriggerOutcome::{Duplicate, Expired, Queued, Skipped};
use application::commands::{
    CycleRequest, Precondition, TriggerAnswer, put_workspace, trigger_cycle,
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

#[tokio::test]
async fn each_trigger_has_its_outcome() {
    let fixture = Fixture::create().await;
    let legacy_polls = Cutover {
        poll_owner: PollOwner::Legacy,
        ..CORE_OWNED
    };
    let shadow = Cutover {
        poll_owner: PollOwner::BothShadow,
        ..CORE_OWNED
    };
    for (name, flags, active, off_by, late_by, outcome, status, reason) in [
        (
            "on-time",
            CORE_OWNED,
            true,
            0,
            0,
            Queued,
            CycleStatus::Queued,
            None,
        ),
        (
            "shadow",
            shadow,
            true,
            0,
            0,
            Queued,
            CycleStatus::Queued,
            None,
        ),
        (
            "at-the-last-instant",
            CORE_OWNED,
            true,
            0,
            360,
            Queued,
            CycleStatus::Queued,
            None,
        ),
        (
            "late",
            CORE_OWNED,
            true,
            0,
            361,
            Expired,
            CycleStatus::Expired,
            Some("too_late"),
        ),
        (
            "off",
            CORE_OWNED,
            true,
            1,
            60,
            Skipped,
            CycleStatus::Skipped,
            Some("not_in_schedule"),
        ),
        (
            "off-and-late",
            CORE_OWNED,
            true,
            1,
            900,
            Expired,
            CycleStatus::Expired,
            Some("too_late"),
        ),
        (
            "legacy",
            legacy_polls,
            true,
            0,
            900,
            Skipped,
            CycleStatus::Skipped,
            Some("not_owner"),
        ),
        (
            "inactive",
            legacy_polls,
            false,
            1,
            900,
            Skipped,
            CycleStatus::Skipped,
            Some("inactive"),
        ),
    ] {
        let depot = a_workspace(name).flags(flags).create(&fixture).await;
        if !active {
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
        }
        let slot = next_slot(&depot).await + minutes(off_by);
        let depot = depot.seen_by(fixture.core_at(next_slot(&depot).await + seconds(late_by)));
        let answer = depot.trigger(Some(slot)).await;
        assert_eq!(
            (answer.outcome, answer.status, answer.reason),
            (outcome, status, reason),
            "{name}"
        );

        let row = depot.cycle(answer.cycle_id).await;
        assert_eq!(
            (row.status.as_str(), row.reason.as_deref()),
            (status.as_str(), reason),
            "{name}"
        );
        assert_eq!(row.ended_at.is_some(), status.is_terminal(), "{name}");
        let queued = usize::from(outcome == Queued);
        assert_eq!(
            depot.events("WorkspacePollCycleTriggered").await.len(),
            queued,
            "{name}"
        );
        assert_eq!(
            depot.claimable().await.len(),
            usize::from(outcome == Queued && answer.due_at <= depot.core.clock.now()),
            "{name}"
        );

        let again = depot
            .seen_by(fixture.core_at(slot + minutes(20)))
            .trigger(Some(slot))
            .await;
        assert_eq!(
            (again.outcome, again.cycle_id, again.status),
            (Duplicate, answer.cycle_id, status),
            "{name}: before all else"
        );
    }
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
