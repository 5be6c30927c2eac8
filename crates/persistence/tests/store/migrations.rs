//! Migrations: any number of instances, any number of times, and on rows that were there before.

use domain::ids::WorkspaceId;
use persistence::{StorageError, Store};
use sqlx::Connection as _;
use testkit::{TestDatabase, eventually, start};

/// The versions that the database has, and whether each was applied to its end.
async fn applied(store: &Store) -> Vec<(i64, bool)> {
    sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version")
        .fetch_all(store.pool())
        .await
        .expect("migrations")
}

/// The number of rows in the only table that a migration inserts a row into.
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

/// A migration that goes through a large table may take long.
#[tokio::test]
async fn an_instance_waits_while_another_migrates() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    let mut another = store.pool().acquire().await.expect("a connection").detach();
    let locked = sqlx::query("SELECT pg_advisory_lock(2026, 0)");
    locked.execute(&mut another).await.expect("the lock");
    let waiting = database.another_store();
    let (migrated, ()) = tokio::join!(waiting.migrate(), async {
        eventually("the instance waits", async || {
            database.sessions_waiting().await == 1
        })
        .await;
        another.close().await.expect("the end");
    });
    migrated.expect("migrated");
    assert!(!applied(store).await.is_empty());
}

/// As while a new version is rolled out, or after the program was rolled back.
#[tokio::test]
async fn an_instance_starts_on_a_schema_that_is_newer_than_itself() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    store.migrate().await.expect("this version's migrations");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the next version', true, '', 0)",
    )
    .execute(store.pool())
    .await
    .expect("a migration of the next version");
    store.migrate().await.expect("nothing to do");
    let last = applied(store).await.pop();
    assert_eq!(last, Some((9999, true)));
}

#[tokio::test]
async fn an_instance_does_not_start_on_a_migration_that_differs_from_its_own() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    store.migrate().await.expect("this version's migrations");
    sqlx::query("UPDATE _sqlx_migrations SET checksum = 'another' WHERE version = 1")
        .execute(store.pool())
        .await
        .expect("another text of the first migration");
    let refusal = store.migrate().await.expect_err("it differs");
    assert!(matches!(refusal, StorageError::Migration(_)), "{refusal}");
}

/// The version of the first migration, which creates the table of workspaces.
const WORKSPACES: i64 = 1;

/// This is how a migration is tested on rows that were there before: the schema as of the version before, rows as
/// instances of that version wrote them, then the rest of the migrations and a look through the store.
#[tokio::test]
async fn a_workspace_from_before_the_other_migrations_is_there_after_them() {
    let database = TestDatabase::create_as_of(WORKSPACES).await;
    let store = database.store();
    sqlx::query(
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version, cutover_changed_at,
             cutover_changed_by, polling_changed_at, poll_interval_minutes, stale_threshold_minutes,
             no_data_grace_minutes, policy_version, policy_changed_at, poll_interval_since)
         VALUES ('north', 'North', true, $1, 1, 1, 'core', 'core', 'core', 'mixed', 1, $1, 'anna', $1, 5, 15, 60, 1, $1, $1)",
    )
    .bind(start())
    .execute(store.pool())
    .await
    .expect("a workspace");
    assert_eq!(applied(store).await, [(WORKSPACES, true)]);
    store.migrate().await.expect("the rest");
    let id = WorkspaceId::try_new("north").expect("an id");
    let found = store.workspace(&id).await.expect("the store");
    let workspace = found.expect("the workspace").workspace;
    assert_eq!(workspace.name.as_str(), "North");
    assert_eq!(workspace.polled_since(), Some(start()));
}
