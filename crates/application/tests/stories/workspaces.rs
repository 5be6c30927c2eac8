//! Registering workspaces.

use application::commands::{ChangeError, Conflict, Precondition, put_workspace};
use domain::fleet::{Cutover, WorkspaceName, WorkspaceRecord};
use domain::ids::WorkspaceId;
use futures::future::join_all;
use testkit::{AUTHOR, CORE_OWNED, Fixture, start};

type Outcome = Result<(WorkspaceRecord, bool), ChangeError<WorkspaceRecord>>;

async fn put(
    fixture: &Fixture,
    id: &str,
    name: &str,
    active: bool,
    cutover: Option<Cutover>,
    precondition: &Precondition,
) -> Outcome {
    let id = WorkspaceId::try_new(id).expect("an id");
    let name = WorkspaceName::try_new(name).expect("a name");
    put_workspace(
        &fixture.core,
        AUTHOR,
        &id,
        &name,
        active,
        cutover,
        precondition,
    )
    .await
}

#[tokio::test]
async fn a_new_workspace_belongs_to_legacy_unless_it_says_otherwise() {
    let fixture = Fixture::create().await;
    for (id, cutover, expected) in [
        ("north", None, Cutover::default()),
        ("south", Some(CORE_OWNED), CORE_OWNED),
    ] {
        let (record, created) = put(&fixture, id, "Depot", true, cutover, &Precondition::None)
            .await
            .expect("a workspace");
        assert!(created);
        assert_eq!(record.workspace.cutover, expected);
        assert_eq!(
            (record.workspace.version, record.workspace.created_at),
            (1, start())
        );
    }
}

#[tokio::test]
async fn sixteen_concurrent_registrations_are_numbered_without_gaps() {
    let fixture = Fixture::create().await;
    let ids: Vec<String> = (0..16).map(|n| format!("depot-{}", n % 12)).collect();
    let outcomes = join_all(
        ids.iter()
            .map(|id| put(&fixture, id, "Depot", true, None, &Precondition::None)),
    )
    .await;
    let mut created: Vec<i64> = outcomes
        .into_iter()
        .map(|outcome| outcome.expect("a workspace"))
        .filter_map(|(record, created)| created.then_some(record.workspace.registration_number))
        .collect();
    created.sort_unstable();
    assert_eq!(
        created,
        (1..=12).collect::<Vec<i64>>(),
        "four asked for what was there"
    );
}

#[tokio::test]
async fn putting_it_again_renames_or_does_nothing() {
    let fixture = Fixture::create().await;
    let (first, _) = put(
        &fixture,
        "north",
        "Depot",
        true,
        Some(CORE_OWNED),
        &Precondition::None,
    )
    .await
    .expect("a workspace");
    let (same, created) = put(
        &fixture,
        "north",
        "Depot",
        true,
        Some(CORE_OWNED),
        &Precondition::OneOf(vec![1]),
    )
    .await
    .expect("no change");
    assert_eq!((same, created), (first.clone(), false));
    let (renamed, _) = put(
        &fixture,
        "north",
        "Depot North",
        true,
        None,
        &Precondition::OneOf(vec![1]),
    )
    .await
    .expect("a change");
    assert_eq!(
        (renamed.workspace.name.as_str(), renamed.workspace.version),
        ("Depot North", 2)
    );
    assert_eq!(renamed.workspace.cutover, CORE_OWNED);
    assert_eq!(
        renamed.workspace.registration_number,
        first.workspace.registration_number
    );
}

#[tokio::test]
async fn flags_of_an_existing_workspace_change_elsewhere() {
    let fixture = Fixture::create().await;
    put(&fixture, "north", "Depot", true, None, &Precondition::None)
        .await
        .expect("a workspace");
    let refused = put(
        &fixture,
        "north",
        "Depot",
        true,
        Some(CORE_OWNED),
        &Precondition::None,
    )
    .await;
    assert!(
        matches!(
            refused,
            Err(ChangeError::Conflict(Conflict::CutoverOnExisting))
        ),
        "{refused:?}"
    );
    let outdated = put(
        &fixture,
        "north",
        "Another",
        true,
        None,
        &Precondition::OneOf(vec![9]),
    )
    .await;
    assert!(
        matches!(outdated, Err(ChangeError::Outdated(_))),
        "{outdated:?}"
    );
    let absent = put(
        &fixture,
        "south",
        "Depot",
        true,
        None,
        &Precondition::OneOf(vec![1]),
    )
    .await;
    assert!(
        matches!(absent, Err(ChangeError::UnknownWorkspace)),
        "{absent:?}"
    );
}
