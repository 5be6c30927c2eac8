//! Who changed what: found without reading what nobody changed.

use persistence::Store;
use persistence::history::ChangeFilter;
use sqlx::Executor;
use testkit::{Fixture, TestDatabase, a_device, a_workspace, an_update, hours, start};

use crate::plans::{plan_of, sources};

/// The version before events had a column for their author.
const BEFORE: i64 = 20_261_124_230_000;

async fn authors(store: &Store) -> Vec<(String, Option<String>)> {
    sqlx::query_as("SELECT event_id::text, changed_by FROM event_store ORDER BY event_id")
        .fetch_all(store.pool())
        .await
        .expect("events")
}

#[tokio::test]
async fn authors_of_events_that_were_there_before_are_found() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    let migrations = sqlx::migrate!("../../migrations");
    migrations
        .run_to(BEFORE, store.pool())
        .await
        .expect("migrations as they were");
    sqlx::query("CREATE TABLE event_store_20261123 PARTITION OF event_store FOR VALUES FROM ('2026-11-23') TO ('2026-11-24')")
        .execute(store.pool())
        .await
        .expect("a partition");
    for (n, (event_type, payload)) in [
        ("TelematicsUpdateAccepted", r#"{"provider":"p"}"#),
        (
            "WorkspaceConfigured",
            r#"{"name":"North","changed_by":"person:anna"}"#,
        ),
        (
            "WorkspacePollCycleTriggered",
            r#"{"trigger":"manual","triggered_by":"person:berta"}"#,
        ),
        (
            "WorkspacePollCycleTriggered",
            r#"{"trigger":"scheduled","triggered_by":"machine:eventbridge"}"#,
        ),
        ("WorkspacePollIngestCompleted", r#"{"result_summary":{}}"#),
    ]
    .into_iter()
    .enumerate()
    {
        sqlx::query("INSERT INTO event_store (workspace_id, recorded_at, event_id, type, payload) VALUES ('north', $1, $2::uuid, $3, $4::json)")
            .bind(start())
            .bind(format!("019a0000-0000-7000-8000-00000000000{n}"))
            .bind(event_type)
            .bind(payload)
            .execute(store.pool())
            .await
            .expect("an event");
    }
    store.migrate().await.expect("the rest");
    let found: Vec<Option<String>> = authors(store).await.into_iter().map(|(_, by)| by).collect();
    let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
    assert_eq!(
        found,
        [None, Some("person:anna"), Some("person:berta"), None, None]
    );
    let listed = store
        .changes(&ChangeFilter::default(), start(), None, 10)
        .await
        .expect("changes");
    let listed: Vec<&str> = listed
        .iter()
        .map(|change| change.changed_by.as_str())
        .collect();
    assert_eq!(listed, ["person:berta", "person:anna"]);
}

/// As for a service that has run for a while: the plan for any filter, of a day full of updates.
#[tokio::test]
async fn changes_are_read_from_their_index_whatever_the_filter() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    depot.push([an_update("bus-1").with("speed_kmh", 1)]).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
         SELECT 'north', '2026-11-23T08:00:00Z'::timestamptz + n * interval '1 s', gen_random_uuid(), 'TelematicsUpdateAccepted', 'bus-1', '{}'
         FROM generate_series(1, 20000) n;
         ANALYZE event_store",
    )
    .await
    .expect("a day of updates");
    let nothing = "NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-24', NULL, NULL, 100";
    let plan = plan_of(pool, "event_store: changes", nothing).await;
    assert!(!plan.contains("Seq Scan on event_store_20261123"), "{plan}");
    assert!(
        plan.contains("event_store_20261123_workspace_id_recorded_at_event_id"),
        "{plan}"
    );
    assert!(!plan.contains("event_store_20261123_pkey"), "{plan}");
}

#[tokio::test]
async fn an_accepted_update_has_no_author_and_no_place_in_the_index() {
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

/// Events are appended, and then never touched.
#[test]
fn no_statement_changes_or_deletes_an_event() {
    let mut appended = 0;
    let of_acceptance =
        include_str!("../../../../migrations/20261125080050_record_into_columns.sql").to_owned();
    for source in sources().into_iter().chain([of_acceptance]) {
        let words: Vec<&str> = source.split_whitespace().collect();
        let sql = words.join(" ").to_lowercase();
        for forbidden in [
            "update event_store",
            "delete from event_store",
            "merge into event_store",
            "truncate event_store",
            "truncate table",
        ] {
            assert!(!sql.contains(forbidden), "{forbidden}");
        }
        for (at, _) in sql.match_indices("insert into event_store ") {
            let rest = &sql[at..];
            let end = rest.find(['#', ';']).unwrap_or(rest.len());
            assert!(!rest[..end].contains("on conflict"), "{}", &rest[..end]);
            appended += 1;
        }
    }
    assert_eq!(
        appended, 7,
        "by the acceptance path, by commands, by baselines, by exports, and where cycles are claimed, retired and skipped"
    );
}
