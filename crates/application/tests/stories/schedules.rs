//! Keeping the scheduler outside in line, whatever becomes of those who do.

use std::sync::Arc;
use std::time::Duration;

use application::schedules::{Applier, apply_schedule};
use domain::fleet::Policy;
use domain::ids::ClaimToken;
use domain::schedules::{CronExpression, ScheduleState, WorkspaceSchedule};
use scheduling::{InProcessSchedules, ScheduleCheck, Scheduler};
use testkit::{Fixture, Fleet, a_workspace};
use uuid::Uuid;

async fn out_of_line(fixture: &Fixture) -> Vec<String> {
    let ids = fixture
        .store()
        .workspaces_with_unapplied_schedules(100)
        .await;
    ids.expect("ids").iter().map(ToString::to_string).collect()
}

async fn state(fleet: &Fleet) -> ScheduleState {
    let workspace = fleet.record().await.workspace;
    let expression = CronExpression::of(workspace.schedule());
    let applied = fleet.core.store.applied_schedule(&fleet.id).await;
    applied
        .expect("a record")
        .state(workspace.active.then_some(&expression))
}

async fn deactivate(fleet: &Fleet) {
    fleet.set_active(false).await;
}

async fn names(scheduler: &InProcessSchedules) -> Vec<String> {
    let names = scheduler.names().await.expect("names");
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_a_command_changed_is_out_of_line_until_it_is_applied() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let scheduler = InProcessSchedules::default();
    let applier = Applier::new(fixture.core.clone(), Arc::new(scheduler.clone()));
    assert_eq!(out_of_line(&fixture).await, ["north"]);
    applier.round().await.expect("a round");
    assert!(out_of_line(&fixture).await.is_empty());
    assert_eq!(state(&north).await, ScheduleState::Applied);

    let hourly = Policy::try_new(60, 180, 240).expect("a policy");
    north.change_policy(hourly).await;
    assert_eq!(state(&north).await, ScheduleState::Pending);
    applier.round().await.expect("a round");
    let schedule = north.record().await.workspace.schedule();
    let wanted = WorkspaceSchedule::of(&north.id, schedule);
    let standing = scheduler.compare(&wanted).await.expect("a standing");
    assert_eq!(standing, ScheduleCheck::InLine);

    deactivate(&north).await;
    assert_eq!(state(&north).await, ScheduleState::Pending);
    applier.round().await.expect("a round");
    assert!(names(&scheduler).await.is_empty());
    assert_eq!(state(&north).await, ScheduleState::Applied);
}

#[tokio::test]
async fn what_somebody_began_and_never_confirmed_is_begun_again() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let scheduler = InProcessSchedules::default();
    let claim = ClaimToken(Uuid::from_u128(1));
    let store = fixture.store();
    // An instance that tells the scheduler of it, and is killed before it can record that.
    let held = Duration::from_mins(1);
    assert!(
        store
            .claim_schedule(&north.id, claim, held)
            .await
            .expect("a claim")
    );
    let schedule = north.record().await.workspace.schedule();
    let wanted = WorkspaceSchedule::of(&north.id, schedule);
    scheduler.put(&wanted, claim.0).await.expect("it takes it");
    assert!(out_of_line(&fixture).await.is_empty(), "somebody is at it");
    let applied = apply_schedule(&fixture.core, &scheduler, &north.id).await;
    assert!(!applied.expect("no failure"), "somebody is at it");

    deactivate(&north).await;
    store
        .mark_schedule_unknown(&north.id, claim)
        .await
        .expect("its claim is over");
    assert_eq!(
        out_of_line(&fixture).await,
        ["north"],
        "though none was confirmed and none is wanted"
    );
    apply_schedule(&fixture.core, &scheduler, &north.id)
        .await
        .expect("it goes");
    assert!(names(&scheduler).await.is_empty());
}

#[tokio::test]
async fn whoever_lost_the_claim_confirms_nothing_and_leaves_a_doubt() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let store = fixture.store();
    let [slow, quick] = [1, 2].map(|number| ClaimToken(Uuid::from_u128(number)));
    let at_once = Duration::ZERO;
    assert!(
        store
            .claim_schedule(&north.id, slow, at_once)
            .await
            .expect("a claim")
    );
    assert!(
        store
            .claim_schedule(&north.id, quick, Duration::from_mins(1))
            .await
            .expect("taken over")
    );
    let expression = CronExpression::try_new("cron(3/5 * * * ? *)").expect("an expression");
    let told = Some((domain::polling::PollInterval::DEFAULT, &expression));
    let now = fixture.clock.now();
    let record = async |claim| {
        store
            .record_applied_schedule(&north.id, claim, told, now)
            .await
            .expect("a record")
    };
    assert!(!record(slow).await);
    store
        .mark_schedule_unknown(&north.id, slow)
        .await
        .expect("a doubt");
    assert!(!record(quick).await, "what it told may have come before");
    assert_eq!(out_of_line(&fixture).await, ["north"]);
}
