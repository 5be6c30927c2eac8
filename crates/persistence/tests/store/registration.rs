//! Registration numbers, which have no gaps: the offsets of polls are spread evenly only over such numbers.

use domain::fleet::{Cutover, WorkspaceName};
use domain::ids::WorkspaceId;
use persistence::{Fence, Store, UnitOfWork};
use testkit::{TestDatabase, start};

async fn register(store: &Store, id: &str) -> UnitOfWork {
    let id = WorkspaceId::try_new(id).expect("an id");
    let mut uow = store.begin(&id, Fence::Exclusive).await.expect("the store");
    let name = WorkspaceName::try_new("Depot").expect("a name");
    uow.insert_workspace(&name, true, Cutover::default(), "anna", start())
        .await
        .expect("a registration");
    uow
}

async fn numbers(store: &Store) -> Vec<i64> {
    sqlx::query_scalar("SELECT registration_number FROM workspaces ORDER BY 1")
        .fetch_all(store.pool())
        .await
        .expect("numbers")
}

#[tokio::test]
async fn numbers_have_no_gaps_under_16_concurrent_registrations_and_a_failed_one() {
    let database = TestDatabase::create().await;
    let racers: Vec<_> = (0..16)
        .map(|n| {
            let store = database.store().clone();
            tokio::spawn(async move {
                let uow = register(&store, &format!("depot-{n}")).await;
                // One in four fails after it was given a number.
                if n % 4 == 3 {
                    drop(uow);
                } else {
                    uow.commit().await.expect("a commit");
                }
            })
        })
        .collect();
    for racer in racers {
        racer.await.expect("no panic");
    }
    assert_eq!(
        numbers(database.store()).await,
        (1..=12).collect::<Vec<i64>>()
    );
}

#[tokio::test]
async fn a_registration_that_is_not_committed_uses_no_number() {
    let database = TestDatabase::create().await;
    drop(register(database.store(), "depot-north").await);
    assert_eq!(numbers(database.store()).await, Vec::<i64>::new());
}
