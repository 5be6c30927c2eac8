//! EventBridge that asks for fewer requests: nobody presses it, whoever asks how a schedule stands is told,
//! and it is caught up later.

use std::sync::Arc;
use std::time::Duration;

use application::schedules::Applier;
use domain::schedules::{CronExpression, ScheduleState};
use testkit::{Fixture, Fleet, a_workspace, eventually, seconds};
use tokio_util::sync::CancellationToken;

use crate::endpoint::{Endpoint, THROTTLING};

/// As the policy's answer shows it.
async fn state(fleet: &Fleet) -> (ScheduleState, Option<String>) {
    let workspace = fleet.record().await.workspace;
    let wanted = CronExpression::of(workspace.schedule());
    let applied = fleet.core.store.applied_schedule(&fleet.id).await;
    let applied = applied.expect("a record");
    (applied.state(Some(&wanted)), applied.error)
}

#[tokio::test]
async fn a_throttled_applier_pauses_by_the_clock_and_says_so() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let endpoint = Endpoint::default();
    endpoint.answers([THROTTLING; 3]);
    let scheduler = Arc::new(endpoint.adapter().await);
    let applier = Applier::new(fixture.core.clone(), scheduler);
    let pause = applier.round().await.expect("a round");
    assert_eq!(pause, Duration::from_secs(5));
    let said = "the scheduler asks for fewer requests".to_owned();
    assert_eq!(state(&north).await, (ScheduleState::Error, Some(said)));
    assert_eq!(endpoint.requests().len(), 3, "the client's own attempts");

    let pause = applier.round().await.expect("a round");
    assert_eq!(pause, Duration::from_secs(2));
    assert_eq!(endpoint.requests().len(), 3, "the schedule's own pause");
}

#[tokio::test]
async fn after_its_pause_the_applier_goes_on_and_not_before() {
    let fixture = Fixture::create().await;
    let north = a_workspace("north").create(&fixture).await;
    let endpoint = Endpoint::default();
    endpoint.answers([THROTTLING; 3]);
    let scheduler = Arc::new(endpoint.adapter().await);
    let applier = Applier::new(fixture.core.clone(), scheduler);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(applier.clone().run(shutdown.clone()));
    eventually("it is told", async || {
        state(&north).await.0 == ScheduleState::Error
    })
    .await;
    // By the schedule's own pause it could be told again, and somebody asks for it.
    eventually("it is out of line", async || {
        let out_of_line = fixture
            .store()
            .workspaces_with_unapplied_schedules(10)
            .await;
        out_of_line.expect("the store") == [north.id.clone()]
    })
    .await;
    applier.wake();
    // An applier that were woken would have told it while this looks so often.
    for _ in 0..50 {
        assert_eq!(state(&north).await.0, ScheduleState::Error);
    }
    assert_eq!(endpoint.requests().len(), 3);

    fixture.clock.advance(seconds(5));
    eventually("it is applied", async || {
        state(&north).await.0 == ScheduleState::Applied
    })
    .await;
    assert_eq!(endpoint.requests().len(), 4);
    shutdown.cancel();
    running.await.expect("no panic");
}
