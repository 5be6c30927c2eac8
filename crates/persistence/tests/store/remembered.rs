//! A batch that was decided by what is remembered lands whole, and only while that is still so.

use sqlx::PgPool;
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, eventually, start, words_of};

async fn depot(fixture: &Fixture) -> Fleet {
    a_workspace("north")
        .with_all([a_device("bus-1"), a_device("bus-2")])
        .create(fixture)
        .await
}

/// Calls the function as of a registry version with nothing to write, once the caller may have this lock.
async fn still_so(pool: PgPool, registry_version: i64, lock: i64) -> bool {
    let overtaken: Option<Vec<String>> = sqlx::query_scalar(
        "SELECT record_updates(
             'north', $1, 1, now(), now(), NULL, NULL, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
             '{}', '{}', '{}', '{}', '{}', '{}')
         FROM (SELECT pg_advisory_xact_lock($2) OFFSET 0) AS waited",
    )
    .bind(registry_version)
    .bind(lock)
    .fetch_one(&pool)
    .await
    .expect("an answer");
    overtaken.is_some()
}

#[tokio::test]
async fn a_change_counts_that_was_made_after_the_statement_began() {
    const LOCK: i64 = 7;
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let pool = fixture.store().pool();
    let version = depot.record().await.registry_version;
    let mut held_up = pool.begin().await.expect("a transaction");
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *held_up)
        .await
        .expect("a lock");
    let [of_before, of_after] =
        [version, version + 1].map(|version| tokio::spawn(still_so(pool.clone(), version, LOCK)));
    eventually("both statements have begun", async || {
        fixture.database.sessions_waiting().await == 2
    })
    .await;
    sqlx::query("UPDATE workspaces SET registry_version = registry_version + 1")
        .execute(pool)
        .await
        .expect("a change");
    held_up.commit().await.expect("a commit");
    assert!(!of_before.await.expect("an answer"));
    assert!(of_after.await.expect("an answer"));
}

#[tokio::test]
async fn a_change_that_is_under_way_is_not_waited_for() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let pool = fixture.store().pool();
    let version = depot.record().await.registry_version;
    let fence = |how| format!("SELECT {how}(hashtextextended('north', 0))");
    for (how, expected) in [
        ("pg_advisory_xact_lock_shared", true),
        ("pg_advisory_xact_lock", false),
    ] {
        let mut other = pool.begin().await.expect("a transaction");
        sqlx::raw_sql(sqlx::AssertSqlSafe(fence(how)))
            .execute(&mut *other)
            .await
            .expect("the fence");
        assert_eq!(still_so(pool.clone(), version, 7).await, expected, "{how}");
    }
}

/// Of two devices one was moved by another instance: the other's snapshot and event do not land by themselves.
#[tokio::test]
async fn a_batch_that_was_overtaken_in_part_does_not_land_in_part() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let updates = ["bus-1", "bus-2"].map(|id| an_update(id).with("speed_kmh", 40));
    assert_eq!(words_of(&depot.push(updates).await), ["accepted"; 2]);
    let version = depot.record().await.registry_version;
    let pool = fixture.store().pool();
    let overtaken = async |replaced: [i64; 2]| -> Option<Vec<String>> {
        sqlx::query_scalar(
            "SELECT record_updates(
                 'north', $1, 1, $2, $2, NULL, NULL, 'sim-main', '{bus-1,bus-2}',
                 (SELECT array_agg(activation_id ORDER BY device_id) FROM devices),
                 '{2,2}', $3, ARRAY[$2, $2], ARRAY['{}', '{}']::json[], '{}', ARRAY[gen_random_uuid(), gen_random_uuid()],
                 '{bus,bus}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')",
        )
        .bind(version)
        .bind(start())
        .bind(replaced)
        .fetch_one(pool)
        .await
        .expect("an answer")
    };
    let rows = async || -> (Vec<i64>, i64) {
        sqlx::query_as(
            "SELECT (SELECT array_agg(version ORDER BY device_id) FROM snapshots),
                    (SELECT count(*) FROM event_store WHERE type = 'TelematicsUpdateAccepted')",
        )
        .fetch_one(pool)
        .await
        .expect("the rows")
    };
    let devices = ["bus-1", "bus-2"].map(str::to_owned).to_vec();
    assert_eq!(overtaken([1, 0]).await, Some(devices));
    assert_eq!(rows().await, (vec![1, 1], 2));
    assert_eq!(overtaken([1, 1]).await, Some(Vec::new()));
    assert_eq!(rows().await, (vec![2, 2], 4));
}
