//! Plans of statements that read the event store.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace, an_update};

use crate::statements::plan_of;

/// A page of events reads the days of its span, from the newest on, whatever the filter.
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

/// The updates of a span are read by their key, and no day before the span is read.
#[tokio::test]
async fn freshness_is_measured_from_the_updates_of_its_span_alone() {
    let fixture = Fixture::create().await;
    a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
         SELECT 'depot-' || n % 50, '2026-11-21T00:00:00Z'::timestamptz + n * interval '13 s', gen_random_uuid(), 'TelematicsUpdateAccepted', 'bus-1', '{}'
         FROM generate_series(1, 25000) n;
         ANALYZE event_store",
    )
    .await
    .expect("days of updates");
    let span = "'depot-7', '2026-11-23T08:05:00Z', '2026-11-23T08:10:00Z', '2026-11-23T08:00:00Z', '00000000-0000-0000-0000-000000000000', '{timeout}', '1 hour'";
    let plan = plan_of(pool, "freshness: of a span", span).await;
    assert!(plan.contains("event_store_20261123_pkey"), "{plan}");
    assert!(!plan.contains("event_store_20261122"), "{plan}");
    assert!(!plan.contains("Seq Scan on event_store_20261123"), "{plan}");
}

/// On a day with many updates, changes are read from their index, whatever the filter.
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
