//! A batch that was decided on the device cache is recorded whole, and only while what was cached still counts.

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
    let superseded: Option<Vec<String>> = sqlx::query_scalar(
        "SELECT record_updates('north', $1, 1, now(), now(), NULL, '{}')
         FROM (SELECT pg_advisory_xact_lock($2) OFFSET 0) AS waited",
    )
    .bind(registry_version)
    .bind(lock)
    .fetch_one(&pool)
    .await
    .expect("an answer");
    superseded.is_some()
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

/// Of two devices another instance has moved one: the other's snapshot and event are not recorded either.
#[tokio::test]
async fn a_batch_that_was_superseded_in_part_is_not_recorded_in_part() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let updates = ["bus-1", "bus-2"].map(|id| an_update(id).with("speed_kmh", 40));
    assert_eq!(words_of(&depot.push(updates).await), ["accepted"; 2]);
    let version = depot.record().await.registry_version;
    let pool = fixture.store().pool();
    let superseded = async |replaced: [i64; 2]| -> Option<Vec<String>> {
        sqlx::query_scalar(
            "SELECT record_updates('north', $1, 1, $2, $2, NULL, array_agg(
                 (d.device_id, d.activation_id, 2, gen_random_uuid(), 'bus', 'sim-main', '{}', NULL, NULL, NULL,
                  replaced.version, $2, '{}', '{}')::accepted_update ORDER BY d.device_id))
             FROM devices d
             JOIN unnest('{bus-1,bus-2}'::text[], $3::bigint[]) AS replaced (device_id, version) USING (device_id)",
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
    assert_eq!(superseded([1, 0]).await, Some(vec!["bus-2".to_owned()]));
    assert_eq!(rows().await, (vec![1, 1], 2));
    assert_eq!(superseded([1, 1]).await, Some(Vec::new()));
    assert_eq!(rows().await, (vec![2, 2], 4));
}
