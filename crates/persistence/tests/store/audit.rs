//! The audit: events of changes have an author and an index of their own, and no event is changed or deleted.

use std::collections::BTreeSet;

use testkit::{Fixture, TestDatabase, a_device, a_workspace, an_update, hours, start};

use crate::statements::statements;

#[tokio::test]
async fn an_accepted_update_has_no_author_and_so_no_entry_in_the_index_of_changes() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    let (all, indexed): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(changed_by) FROM event_store WHERE type = 'TelematicsUpdateAccepted'",
    )
    .fetch_one(fixture.store().pool())
    .await
    .expect("a count");
    assert_eq!((all, indexed), (1, 0));
}

#[tokio::test]
async fn a_new_days_partition_has_the_index_of_changes() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let tomorrow = start() + hours(24);
    store.ensure_partitions(tomorrow).await.expect("partitions");
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits
         WHERE inhparent = 'event_store'::regclass AND NOT EXISTS (
             SELECT 1 FROM pg_index i JOIN pg_inherits part ON part.inhrelid = i.indexrelid
             WHERE i.indrelid = pg_inherits.inhrelid AND part.inhparent = 'event_store_changes'::regclass)",
    )
    .fetch_all(store.pool())
    .await
    .expect("partitions");
    assert!(without.is_empty(), "{without:?}");
}

/// Looks at the service's statements, and at the functions in the schema.
#[test]
fn no_statement_changes_or_deletes_an_event() {
    let migrations = sqlx::migrate!("../../migrations");
    let schema = migrations.iter().map(|migration| {
        (
            migration.description.to_string(),
            migration.sql.as_str().to_owned(),
        )
    });
    let named = statements().into_iter().map(|statement| {
        let (name, sql) = statement.split_once("*/").expect("a name at its head");
        (
            name.trim_matches(['/', '*', ' ']).to_owned(),
            sql.to_owned(),
        )
    });
    let mut appending = BTreeSet::new();
    for (name, sql) in named.chain(schema) {
        let words: Vec<&str> = sql.split_whitespace().collect();
        let sql = words.join(" ").to_lowercase();
        for forbidden in [
            "update event_store",
            "delete from event_store",
            "merge into event_store",
            "truncate event_store",
            "truncate table",
        ] {
            assert!(!sql.contains(forbidden), "{name}: {forbidden}");
        }
        for append in sql.split("insert into event_store ").skip(1) {
            let insert = append.split("insert into").next().unwrap_or(append);
            assert!(!insert.contains("on conflict"), "{name}: {insert}");
            appending.insert(name.clone());
        }
    }
    let appending: Vec<&str> = appending.iter().map(String::as_str).collect();
    assert_eq!(
        appending,
        [
            "event_store: append",
            "event_store: append an export",
            "event_store: append baselines",
            "poll_cycles: claim",
            "poll_cycles: retire",
            "poll_cycles: skip the open ones",
            "record updates",
        ]
    );
}
