//! How PostgreSQL goes about a statement, planned for any parameters, as the service's pool asks it to.

use std::fs;
use std::path::Path;

use sqlx::{AssertSqlSafe, Executor, PgPool};
use testkit::{Fixture, a_device, a_workspace};

/// The plan of a statement of this crate, by the name in its head, with these arguments as SQL.
pub async fn plan_of(pool: &PgPool, name: &str, arguments: &str) -> String {
    let mut connection = pool.acquire().await.expect("a connection");
    let prepare = format!("PREPARE asked AS {}", statement(name));
    connection
        .execute("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL")
        .await
        .expect("a setting");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *connection)
        .await
        .expect("a statement");
    let explain = format!("EXPLAIN EXECUTE asked ({arguments})");
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
        .fetch_all(&mut *connection)
        .await
        .expect("a plan");
    plan.join("\n")
}

/// What the text tells the macro of types are names of columns to the server.
fn statement(name: &str) -> String {
    let head = format!("/* {name} */");
    let source = sources()
        .into_iter()
        .find(|source| source.contains(&head))
        .expect("a source with the statement");
    let from = source.find(&head).expect("its head");
    let length = source[from..].find("\"#").expect("its end");
    source[from..from + length].to_owned()
}

/// The sources of this crate.
pub fn sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    fs::read_dir(folder)
        .expect("the sources")
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a source"))
        .collect()
}

/// A page deep in a long list, and one row of it, are found and not walked to.
#[tokio::test]
async fn pages_and_single_rows_are_looked_up_by_their_key() {
    let fixture = Fixture::create().await;
    a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
         SELECT 'north', 'device-' || n, 'bus-' || n, 'sim-main', 'unit-' || n, true, now(), now(), gen_random_uuid(), 1
         FROM generate_series(1, 5000) n;
         INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at)
         SELECT 'north', gen_random_uuid(), 'manual', 'completed', now(), now() FROM generate_series(1, 5000);
         ANALYZE devices, poll_cycles",
    )
    .await
    .expect("a large workspace");
    for (name, arguments, by_key) in [
        (
            "snapshots: page",
            "'north', 'device-4', NULL, 100",
            "(device_id > $2)",
        ),
        (
            "devices: page",
            "'north', NULL, NULL, 'device-4', 100",
            "(device_id > $4)",
        ),
        (
            "poll_cycles: page",
            "'north', '019ab000-0000-7000-8000-000000000000', '019ab000-0000-7000-8000-000000000000', '019ab000-0000-7000-8000-000000000000', 1",
            "(cycle_id >= $2) AND (cycle_id <= $3)",
        ),
    ] {
        let plan = plan_of(pool, name, arguments).await;
        let found = plan
            .lines()
            .any(|line| line.contains("Index Cond: ((workspace_id = $1)") && line.contains(by_key));
        assert!(found, "{name}: {plan}");
    }
}

/// A page of events costs the days of its span, from the newest on, whatever it is filtered by.
#[tokio::test]
async fn events_are_read_by_their_key_in_the_days_of_the_span_alone() {
    let fixture = Fixture::create().await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
         SELECT 'depot-' || n % 50, '2026-11-21T00:00:00Z'::timestamptz + n * interval '13 s', gen_random_uuid(), 'TelematicsUpdateAccepted', 'bus-1', '{}'
         FROM generate_series(1, 25000) n;
         ANALYZE event_store",
    )
    .await
    .expect("days of updates");
    let span = "'depot-7', '2026-11-23T08:00:00Z', NULL, '2026-11-24T08:00:00Z', NULL, NULL";
    for filter in [
        "NULL, NULL, NULL, NULL",
        "'WorkspaceConfigured', 'bus-1', '019ab000-0000-7000-8000-000000000000', 'abc'",
    ] {
        let plan = plan_of(pool, "event_store: page", &format!("{span}, {filter}, 100")).await;
        for day in ["20261123", "20261124"] {
            let by_key = format!("Index Scan Backward using event_store_{day}_pkey");
            assert!(plan.contains(&by_key), "{day}: {plan}");
        }
        assert!(
            !plan.contains("20261122") && !plan.contains("20261125"),
            "{plan}"
        );
        assert!(!plan.contains("Sort"), "{plan}");
    }
}
