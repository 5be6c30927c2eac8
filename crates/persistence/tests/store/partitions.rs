//! Day partitions of the event store.

use testkit::{TestDatabase, hours, start};

async fn days(database: &TestDatabase) -> Vec<String> {
    sqlx::query_scalar("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event_store'::regclass ORDER BY 1")
        .fetch_all(database.store().pool())
        .await
        .expect("partitions")
}

#[tokio::test]
async fn two_days_back_and_a_week_ahead_have_their_place() {
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
}

#[tokio::test]
async fn a_day_later_one_more_is_made_though_instances_race() {
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
