//! What an instance looks after by itself.

use application::maintain;
use testkit::{Fixture, eventually, hours, seconds};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn partitions_stay_a_week_ahead_until_the_instance_ends() {
    let fixture = Fixture::create().await;
    let shutdown = CancellationToken::new();
    let maintenance = tokio::spawn(maintain(fixture.core.clone(), shutdown.clone()));
    let newest = async || -> String {
        sqlx::query_scalar("SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'event_store'::regclass")
            .fetch_one(fixture.store().pool())
            .await
            .expect("partitions")
    };
    assert_eq!(newest().await, "event_store_20261130");
    for day in ["event_store_20261201", "event_store_20261202"] {
        fixture.clock.advance(hours(24));
        eventually(day, async || {
            // The instance may have looked at the clock just before.
            fixture.clock.advance(seconds(15));
            newest().await == day
        })
        .await;
    }
    shutdown.cancel();
    maintenance.await.expect("it ends");
}
