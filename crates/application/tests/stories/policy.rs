//! Cadence and thresholds of a workspace.

use application::commands::{ChangeError, Precondition, change_policy};
use domain::fleet::Policy;
use testkit::{AUTHOR, Fixture, a_workspace, minutes, start};

fn hourly() -> Policy {
    Policy::try_new(60, 180, 240).expect("a policy")
}

#[tokio::test]
async fn a_policy_is_replaced_and_the_schedule_follows() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    assert_eq!(
        (
            depot.record().await.workspace.policy,
            depot.record().await.policy.version
        ),
        (Policy::default(), 1)
    );
    fixture.clock.advance(minutes(1));
    let record = change_policy(
        &depot.core,
        AUTHOR,
        &depot.id,
        hourly(),
        &Precondition::OneOf(vec![1]),
    )
    .await
    .expect("a change");
    assert_eq!(record, depot.record().await);
    assert_eq!(record.workspace.policy, hourly());
    assert_eq!(
        (record.policy.version, record.policy.changed_at),
        (2, start() + minutes(1))
    );
    assert_eq!(record.workspace.schedule().interval().minutes(), 60);
    assert_eq!(record.cutover.version, 1, "the flags are another resource");

    let events = depot.events("WorkspacePolicyChanged").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].1["from"]["poll_interval_minutes"], 5);
    assert_eq!(events[0].1["to"]["poll_interval_minutes"], 60);
}

#[tokio::test]
async fn what_changes_nothing_keeps_the_version_and_what_is_stale_is_refused() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let before = depot.record().await;
    fixture.clock.advance(minutes(1));
    let unchanged = change_policy(
        &depot.core,
        AUTHOR,
        &depot.id,
        Policy::default(),
        &Precondition::None,
    )
    .await
    .expect("no change");
    assert_eq!(unchanged, before);
    let refused = change_policy(
        &depot.core,
        AUTHOR,
        &depot.id,
        hourly(),
        &Precondition::OneOf(vec![2]),
    )
    .await;
    assert!(matches!(refused, Err(ChangeError::Outdated(current)) if *current == before));
    assert_eq!(depot.record().await, before);
    assert!(depot.events("WorkspacePolicyChanged").await.is_empty());
}
