//! Connections that are kept out of the pool between two short statements.

use domain::acceptance::{Item, Source};
use domain::health::ActiveDevice;
use persistence::{Fence, StorageError, Store};
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, eventually, seconds, start};

async fn depot(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(fixture)
        .await
}

async fn health(depot: &Fleet) -> Result<Vec<ActiveDevice>, StorageError> {
    let facts = depot.core.store.health_facts(&depot.id).await?;
    Ok(facts.expect("the workspace").1.devices)
}

async fn all_are_idle(store: &Store) {
    eventually("all connections are idle", async || {
        store.pool_use().used == 0
    })
    .await;
}

#[tokio::test]
async fn a_kept_connection_counts_as_idle_and_is_closed_with_the_store() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let store = depot.core.store.clone();
    for second in 0..3 {
        let update = an_update("bus-1").observed(start() - seconds(9 - second));
        depot.push([update.with("speed_kmh", 40)]).await;
        assert_eq!(health(&depot).await.expect("facts").len(), 2);
    }
    all_are_idle(&store).await;
    let closing = tokio::spawn(async move { store.close().await });
    eventually("the store is closed", async || closing.is_finished()).await;
}

#[tokio::test]
async fn a_kept_connection_that_was_cut_is_not_used_again() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let update = |second: i64| -> [Item; 1] {
        let update = an_update("bus-1").observed(start() - seconds(9 - second));
        [update.with("speed_kmh", 40).into()]
    };
    for second in 0..3 {
        depot.push(update(second)).await;
    }
    sqlx::query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(fixture.database.another_store().pool())
    .await
    .expect("all others are cut");
    // The first statement on the cut connection fails, and removes it.
    eventually("updates are accepted again", async || {
        depot.accept(&update(5), Source::Push).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_read_that_is_given_up_leaves_no_answer_to_the_next_one() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let store = depot.core.store.clone();
    let lock = "LOCK TABLE devices IN ACCESS EXCLUSIVE MODE";
    let change = fixture.database.hold(lock).await;
    let reading = tokio::spawn({
        let (store, id) = (store.clone(), depot.id.clone());
        async move { store.health_facts(&id).await.map(drop) }
    });
    eventually("both connections wait", async || {
        fixture.database.sessions_waiting().await == 2
    })
    .await;
    reading.abort();
    assert!(reading.await.expect_err("given up").is_cancelled());
    change.commit().await;
    all_are_idle(&store).await;
    for _ in 0..3 {
        assert_eq!(health(&depot).await.expect("facts").len(), 2);
    }
}

#[tokio::test]
async fn a_kept_connection_is_used_if_no_other_is_free() {
    const CONNECTIONS: u32 = 4;
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let store = Store::open(fixture.database.url(), CONNECTIONS).expect("a URL");
    let facts = store.health_facts(&depot.id).await.expect("facts");
    assert!(facts.is_some());
    let mut held = Vec::new();
    while store.pool().size() < CONNECTIONS || store.pool().num_idle() > 0 {
        held.push(store.pool().acquire().await.expect("a connection"));
    }
    assert_eq!(held.len(), 3, "the fourth is kept");
    let begun = store.begin(&depot.id, Fence::Shared).await;
    begun
        .expect("a connection")
        .commit()
        .await
        .expect("a commit");
}
