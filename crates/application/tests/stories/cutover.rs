//! Cutover flags: their history, and who may change them when.

use application::commands::{ChangeError, CutoverCommand, Precondition, change_cutover, roll_back};
use domain::fleet::{
    Cutover, CutoverChange, CutoverPatch, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner,
    WorkspaceRecord,
};
use domain::ids::WorkspaceId;
use testkit::{AUTHOR, CORE_OWNED, Fixture, Fleet, a_workspace, hours, minutes, start};

async fn change(
    depot: &Fleet,
    command: CutoverCommand,
    precondition: &Precondition,
) -> Result<WorkspaceRecord, ChangeError<WorkspaceRecord>> {
    change_cutover(
        &depot.core,
        AUTHOR,
        &depot.id,
        command,
        Some("a reason"),
        precondition,
    )
    .await
}

async fn history(depot: &Fleet) -> Vec<CutoverChange> {
    depot
        .core
        .store
        .cutover_changes(&depot.id, None, 100)
        .await
        .expect("the store")
}

fn shadow() -> CutoverPatch {
    CutoverPatch {
        poll_owner: Some(PollOwner::BothShadow),
        ..CutoverPatch::default()
    }
}

#[tokio::test]
async fn the_first_version_came_from_nothing_at_registration() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .flags(Cutover::default())
        .create(&fixture)
        .await;
    let first = CutoverChange {
        version: 1,
        at: start() - hours(24),
        by: AUTHOR.id.to_owned(),
        reason: None,
        from: None,
        to: Cutover::default(),
    };
    assert_eq!(history(&depot).await, [first]);
    let record = depot.record().await.cutover;
    assert_eq!((record.version, record.changed_by.as_str()), (1, AUTHOR.id));
}

#[tokio::test]
async fn every_change_is_recorded_newest_first_and_paged_by_version() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    fixture.clock.advance(minutes(1));
    change(&depot, CutoverCommand::Patch(shadow()), &Precondition::None)
        .await
        .expect("a patch");
    fixture.clock.advance(minutes(1));
    change(
        &depot,
        CutoverCommand::Replace(Cutover::default()),
        &Precondition::None,
    )
    .await
    .expect("a replacement");

    let changes = history(&depot).await;
    assert_eq!(
        changes
            .iter()
            .map(|change| change.version)
            .collect::<Vec<_>>(),
        [3, 2, 1]
    );
    let in_shadow = Cutover {
        poll_owner: PollOwner::BothShadow,
        ..CORE_OWNED
    };
    assert_eq!(
        (changes[1].from, changes[1].to),
        (Some(CORE_OWNED), in_shadow)
    );
    assert_eq!(
        (changes[0].from, changes[0].to),
        (Some(in_shadow), Cutover::default())
    );
    assert_eq!(
        (changes[0].at, changes[0].reason.as_deref()),
        (start() + minutes(2), Some("a reason"))
    );

    let older = depot
        .core
        .store
        .cutover_changes(&depot.id, Some(3), 1)
        .await
        .expect("the store");
    assert_eq!(older, changes[1..2]);
    let events = depot.events("WorkspaceCutoverChanged").await;
    assert_eq!(events.len(), 2);
    assert_eq!(
        (&events[1].1["version"], &events[1].1["changed_by"]),
        (&3.into(), &AUTHOR.id.into())
    );
    let record = depot.record().await;
    assert_eq!(
        (record.cutover.version, record.workspace.cutover),
        (3, Cutover::default())
    );
}

#[tokio::test]
async fn what_changes_nothing_keeps_the_version() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    fixture.clock.advance(minutes(1));
    let before = depot.record().await;
    for command in [
        CutoverCommand::Replace(CORE_OWNED),
        CutoverCommand::Patch(CutoverPatch::default()),
    ] {
        assert_eq!(
            change(&depot, command, &Precondition::None)
                .await
                .expect("no change"),
            before
        );
    }
    assert_eq!(history(&depot).await.len(), 1);
    assert!(depot.events("WorkspaceCutoverChanged").await.is_empty());
}

#[tokio::test]
async fn a_stale_precondition_gets_the_current_flags_and_changes_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    for (precondition, allowed) in [
        (Precondition::OneOf(vec![2]), false),
        (Precondition::OneOf(vec![]), false),
        (Precondition::OneOf(vec![7, 1]), true),
        (Precondition::OneOf(vec![1]), false),
        (Precondition::None, true),
    ] {
        let before = depot.record().await;
        let another_mode = match before.workspace.cutover.provider_mode {
            ProviderMode::Mixed => ProviderMode::DepotSim,
            _ => ProviderMode::Mixed,
        };
        let patch = CutoverPatch {
            provider_mode: Some(another_mode),
            ..CutoverPatch::default()
        };
        let outcome = change(&depot, CutoverCommand::Patch(patch), &precondition).await;
        match outcome {
            Ok(record) => assert!(
                allowed && record.cutover.version == before.cutover.version + 1,
                "{precondition:?}"
            ),
            Err(ChangeError::Outdated(current)) => {
                assert!(!allowed, "{precondition:?}");
                assert_eq!(*current, before);
                assert_eq!(depot.record().await, before);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn of_two_who_saw_the_same_version_one_is_told_of_the_other() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let seen = Precondition::OneOf(vec![1]);
    let legacy_reads = CutoverPatch {
        read_owner: Some(ReadOwner::Legacy),
        ..CutoverPatch::default()
    };
    let (one, two) = tokio::join!(
        change(&depot, CutoverCommand::Patch(shadow()), &seen),
        change(&depot, CutoverCommand::Patch(legacy_reads), &seen)
    );
    let refused = match (one, two) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        other => panic!("{other:?}"),
    };
    let ChangeError::Outdated(current) = refused else {
        panic!("{refused}")
    };
    assert_eq!(*current, depot.record().await);
    assert_eq!(current.cutover.version, 2);
}

#[tokio::test]
async fn a_rollback_asks_nothing_and_destroys_nothing() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let record = roll_back(&depot.core, AUTHOR, &depot.id, Some("values differ"))
        .await
        .expect("a rollback");
    let back = record.workspace.cutover;
    assert_eq!(
        (back.poll_owner, back.read_owner),
        (PollOwner::Legacy, ReadOwner::Legacy)
    );
    assert_eq!(
        (back.device_registry_source, back.provider_mode),
        (DeviceRegistrySource::Core, ProviderMode::Mixed)
    );
    let again = roll_back(&depot.core, AUTHOR, &depot.id, None)
        .await
        .expect("a second rollback");
    assert_eq!(again, record);
    assert_eq!(
        history(&depot).await[0].reason.as_deref(),
        Some("values differ")
    );
}

#[tokio::test]
async fn there_is_nothing_to_change_where_there_is_no_workspace() {
    let fixture = Fixture::create().await;
    let id = WorkspaceId::try_new("nowhere").expect("an id");
    let refused = roll_back(&fixture.core, AUTHOR, &id, None).await;
    assert!(
        matches!(refused, Err(ChangeError::UnknownWorkspace)),
        "{refused:?}"
    );
}
