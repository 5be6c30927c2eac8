//! Migrations: any number of instances, any number of times.

use persistence::Store;
use testkit::TestDatabase;

async fn applied(store: &Store) -> Vec<(i64, bool)> {
    sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version")
        .fetch_all(store.pool())
        .await
        .expect("migrations")
}

/// The counter is the one row that a migration inserts.
async fn counters(store: &Store) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM registration_counter")
        .fetch_one(store.pool())
        .await
        .expect("a count")
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    store.migrate().await.expect("the first time");
    let first = applied(store).await;
    assert!(!first.is_empty() && first.iter().all(|(_, success)| *success));
    store.migrate().await.expect("the second time");
    assert_eq!(applied(store).await, first);
    assert_eq!(counters(store).await, 1);
}

#[tokio::test]
async fn instances_that_start_at_once_migrate_once() {
    let database = TestDatabase::create_empty().await;
    let stores = [
        database.another_store(),
        database.another_store(),
        database.another_store(),
    ];
    let outcomes = tokio::join!(
        stores[0].migrate(),
        stores[1].migrate(),
        stores[2].migrate()
    );
    outcomes.0.expect("the first instance");
    outcomes.1.expect("the second instance");
    outcomes.2.expect("the third instance");
    assert_eq!(counters(database.store()).await, 1);
    let versions = applied(database.store()).await;
    assert!(
        versions.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "{versions:?}"
    );
}
