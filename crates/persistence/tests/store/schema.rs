//! The rules of the schema, checked in the catalogue of a database.

use std::collections::BTreeSet;

use sqlx::FromRow;
use testkit::TestDatabase;

/// The tables that are not keyed by workspace: the table of migrations, the counter of registrations, the sessions of
/// provider accounts, which several workspaces may use, and the sweeps, which cover all workspaces.
const NOT_BY_WORKSPACE: [&str; 4] = [
    "_sqlx_migrations",
    "registration_counter",
    "provider_sessions",
    "reconciliation_sweeps",
];

#[derive(Debug, FromRow)]
struct Key {
    table: String,
    name: String,
    /// The first column; `None` if the key starts with an expression.
    first: Option<String>,
}

async fn keys(database: &TestDatabase, sql: &'static str) -> Vec<Key> {
    let keys: Vec<Key> = sqlx::query_as(sql)
        .fetch_all(database.store().pool())
        .await
        .expect("the catalogue");
    keys.into_iter()
        .filter(|key| !NOT_BY_WORKSPACE.contains(&key.table.as_str()))
        .collect()
}

async fn names(database: &TestDatabase, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql)
        .fetch_all(database.store().pool())
        .await
        .expect("the catalogue")
}

fn assert_by_workspace(keys: &[Key]) {
    for key in keys {
        assert_eq!(
            key.first.as_deref(),
            Some("workspace_id"),
            "{} of {}",
            key.name,
            key.table
        );
    }
}

#[tokio::test]
async fn every_index_starts_with_the_workspace() {
    let database = TestDatabase::create().await;
    let indexes = keys(
        &database,
        "SELECT t.relname::text AS table, i.relname::text AS name, a.attname::text AS first
         FROM pg_index x
         JOIN pg_class t ON t.oid = x.indrelid
         JOIN pg_class i ON i.oid = x.indexrelid
         LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
         WHERE t.relnamespace = 'public'::regnamespace",
    )
    .await;
    assert_by_workspace(&indexes);
    let covered: BTreeSet<&str> = indexes.iter().map(|key| key.table.as_str()).collect();
    for table in [
        "workspaces",
        "devices",
        "snapshots",
        "event_store",
        "event_store_20261123",
        "poll_cycles",
        "provider_envelopes",
        "raw_messages_20261123",
        "stream_arrivals",
    ] {
        assert!(covered.contains(table), "{table} was looked at");
    }
}

#[tokio::test]
async fn every_key_starts_with_the_workspace_and_refers_to_one_that_does() {
    let database = TestDatabase::create().await;
    let own = keys(
        &database,
        "SELECT t.relname::text AS table, c.conname::text AS name, a.attname::text AS first
         FROM pg_constraint c
         JOIN pg_class t ON t.oid = c.conrelid
         LEFT JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE t.relnamespace = 'public'::regnamespace AND c.contype IN ('p', 'u', 'f', 'x')",
    )
    .await;
    assert_by_workspace(&own);
    let referenced = keys(
        &database,
        "SELECT t.relname::text AS table, c.conname::text AS name, a.attname::text AS first
         FROM pg_constraint c
         JOIN pg_class t ON t.oid = c.confrelid
         JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = c.confkey[1]
         WHERE t.relnamespace = 'public'::regnamespace AND c.contype = 'f'",
    )
    .await;
    assert!(!referenced.is_empty(), "there are foreign keys to look at");
    assert_by_workspace(&referenced);
}

#[tokio::test]
async fn every_table_has_a_primary_key() {
    let database = TestDatabase::create().await;
    let without = names(
        &database,
        "SELECT relname::text FROM pg_class t
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'p')",
    )
    .await;
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test]
async fn every_table_says_what_a_row_is() {
    let database = TestDatabase::create().await;
    let without = names(
        &database,
        "SELECT relname::text FROM pg_class t
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
           AND relname <> '_sqlx_migrations' AND obj_description(t.oid, 'pg_class') IS NULL",
    )
    .await;
    assert!(without.is_empty(), "{without:?}");
}

#[tokio::test]
async fn states_are_text_and_times_have_a_zone() {
    let database = TestDatabase::create().await;
    let enums = names(&database, "SELECT typname::text FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace").await;
    assert!(enums.is_empty(), "{enums:?}");
    let wrong = names(
        &database,
        "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
         WHERE table_schema = 'public' AND data_type <> 'timestamp with time zone' AND udt_name <> '_timestamptz'
           AND (data_type IN ('timestamp without time zone', 'date', 'time without time zone', 'time with time zone')
                OR column_name ~ '_(at|on|since|until|time)$')
           AND (table_name, column_name) <> ('_sqlx_migrations', 'execution_time')",
    )
    .await;
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn snapshots_have_no_index_beside_their_key() {
    let database = TestDatabase::create().await;
    let indexes = names(
        &database,
        "SELECT indexname::text FROM pg_indexes WHERE tablename = 'snapshots'",
    )
    .await;
    assert_eq!(indexes, ["snapshots_pkey"]);
}
