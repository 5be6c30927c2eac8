//! Plans of statements that read the event store.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace};

use crate::statements::plan_of;

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

/// A span's updates are read by their key, and no day before it.
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
