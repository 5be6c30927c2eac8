//! A database of its own for every test.

use futures::future::join_all;
use testkit::{
    Fixture, TestDatabase, a_device, a_workspace, an_update, minutes, statements_of, words_of,
};

#[tokio::test]
async fn databases_know_nothing_of_each_other() {
    let (here, there) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    assert_ne!(here.url(), there.url());
    sqlx::query("INSERT INTO registration_counter VALUES (false, 7)")
        .execute(here.store().pool())
        .await
        .expect_err("one row");
    sqlx::query("UPDATE registration_counter SET last_number = 7")
        .execute(here.store().pool())
        .await
        .expect("an update");
    let counted: i64 = sqlx::query_scalar("SELECT last_number FROM registration_counter")
        .fetch_one(there.store().pool())
        .await
        .expect("a row");
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn what_is_left_of_a_test_does_not_reach_the_next_one() {
    let before = TestDatabase::create().await;
    let left_over = before.another_store();
    left_over.ping().await.expect("it answers");
    drop(before);
    let _after = TestDatabase::create().await;
    left_over
        .ping()
        .await
        .expect_err("its session was ended, and it does not know the new name");
}

#[tokio::test]
async fn a_database_is_as_the_migrations_left_it_whatever_the_test_before_did() {
    for mischief in [
        "DELETE FROM registration_counter",
        "UPDATE registration_counter SET last_number = 7",
        "ALTER TABLE devices DROP COLUMN vehicle_id",
        "DROP INDEX poll_cycles_open",
        "DROP TABLE event_store_20261123",
        "CREATE TABLE more (id integer)",
    ] {
        let database = TestDatabase::create().await;
        let row: (i64, i64, i64) = sqlx::query_as(
            "SELECT last_number, (SELECT count(vehicle_id) FROM devices),
                    (SELECT count(*) FROM pg_class WHERE relname IN ('poll_cycles_open', 'event_store_20261123', 'more'))
             FROM registration_counter",
        )
        .fetch_one(database.store().pool())
        .await
        .expect("the schema and the one row");
        assert_eq!(row, (0, 0, 2), "before {mischief}");
        sqlx::query(mischief)
            .execute(database.store().pool())
            .await
            .expect(mischief);
    }
}

#[tokio::test]
async fn an_empty_database_has_no_tables() {
    let empty = TestDatabase::create_empty().await;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(empty.store().pool())
            .await
            .expect("the list of tables");
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn many_are_created_at_once() {
    let databases = join_all((0..8).map(|_| TestDatabase::create())).await;
    for answer in join_all(databases.iter().map(|database| database.store().ping())).await {
        answer.expect("it answers");
    }
}

#[tokio::test]
async fn a_fleet_is_built_as_its_builders_say() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("depot-north")
        .with(a_device("bus-1").silent_for(minutes(20)))
        .with(
            a_device("bus-2")
                .called("two")
                .fitted_to("tram")
                .configured(minutes(1)),
        )
        .create(&fixture)
        .await;

    let first = depot.snapshot("bus-1").await;
    assert_eq!(
        first.last_update_received_at,
        Some(testkit::start() - minutes(20))
    );
    assert_eq!(first.newest_observed_at, first.last_update_received_at);
    let second = depot.snapshot("bus-2").await;
    assert_eq!(
        (second.vehicle_id.as_str(), second.held.version),
        ("tram", 0)
    );
    assert_eq!(second.activated_at, testkit::start() - minutes(1));
    assert_eq!(depot.record().await.workspace.cutover, testkit::CORE_OWNED);
    assert_eq!(
        words_of(
            &depot
                .push([an_update("bus-2")
                    .from_unit("sim-main", "two")
                    .with("speed_kmh", 1)])
                .await
        ),
        ["accepted"]
    );
}

#[tokio::test]
async fn statements_are_known_by_their_names() {
    let database = TestDatabase::create().await;
    let ((), statements) =
        statements_of(async { database.store().ping().await.expect("it answers") }).await;
    assert_eq!(statements, ["ping"]);
}
