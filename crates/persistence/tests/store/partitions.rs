//! Partitions by day, of the event store and of raw messages.

use testkit::{Fixture, TestDatabase, a_device, a_workspace, an_update, hours, start, words_of};

async fn days(database: &TestDatabase) -> Vec<String> {
    days_of("event_store", database).await
}

async fn days_of(table: &str, database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1")
        .bind(table)
        .fetch_all(database.store().pool())
        .await
        .expect("partitions")
}

#[tokio::test]
async fn partitions_reach_from_two_days_back_to_a_week_ahead() {
    let database = TestDatabase::create_empty().await;
    database.store().migrate().await.expect("migrations");
    database
        .store()
        .ensure_partitions(start())
        .await
        .expect("partitions");
    let days = days(&database).await;
    assert_eq!(days.len(), 10);
    assert_eq!(
        (days[0].as_str(), days[9].as_str()),
        ("event_store_20261121", "event_store_20261130")
    );
    let days = days_of("raw_messages", &database).await;
    assert_eq!(days.len(), 10);
    assert_eq!(days[9], "raw_messages_20261130");
}

#[tokio::test]
async fn instances_that_race_a_day_later_create_one_more_partition() {
    let database = TestDatabase::create().await;
    let before = days(&database).await.len();
    let stores: Vec<_> = (0..4).map(|_| database.another_store()).collect();
    let tomorrow = start() + hours(24);
    let (a, b, c, d) = tokio::join!(
        stores[0].ensure_partitions(tomorrow),
        stores[1].ensure_partitions(tomorrow),
        stores[2].ensure_partitions(tomorrow),
        stores[3].ensure_partitions(tomorrow),
    );
    for outcome in [a, b, c, d] {
        outcome.expect("each instance finds its partitions");
    }
    assert_eq!(days(&database).await.len(), before + 1);
}

#[tokio::test]
async fn a_long_read_of_events_holds_up_neither_new_partitions_nor_new_events() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let export = "SELECT count(*) FROM event_store";
    let export = fixture.database.hold(export).await;
    let tomorrow = start() + hours(24);
    let made = fixture.store().ensure_partitions(tomorrow).await;
    made.expect("partitions");
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    // PostgreSQL would have ended it if anybody had waited for it for long; then its commit fails.
    export.commit().await;
    let next_week = depot.seen_by(fixture.core_at(start() + hours(24 * 8)));
    let update = an_update("bus-1").observed(start() + hours(1));
    let judged = next_week.push([update.with("speed_kmh", 1)]).await;
    assert_eq!(words_of(&judged), ["accepted"], "in the new partition");
}
