//! Plans of pages, and of the health of one workspace among others.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace};

use super::reads_a_whole_table;
use crate::statements::plan_of;

/// A page deep in a long list is found by its key, without reading the list up to it.
#[tokio::test]
async fn pages_are_found_by_their_key() {
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
         INSERT INTO rejections (workspace_id, reason, provider_id, external_id, device_id, pointer, count, first_seen_at, last_seen_at, detail)
         SELECT 'north', 'unknown_device', 'sim-main', 'unit-' || n, '', '', 1, now(), now(), '' FROM generate_series(1, 5000) n;
         ANALYZE devices, poll_cycles, rejections",
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
        (
            "rejections: page",
            "'north', NULL, NULL, NULL, 'unknown_device', 'sim-main', 'unit-4', '', '', 100",
            "(ROW(reason, provider_id, external_id, device_id, pointer) > ROW($5, $6, $7, $8, $9))",
        ),
    ] {
        let plan = plan_of(pool, name, arguments).await;
        let found = plan
            .lines()
            .any(|line| line.contains("Index Cond: ((workspace_id = $1)") && line.contains(by_key));
        assert!(found, "{name}: {plan}");
    }
}

/// The first page of a large workspace is read in order, even if most workspaces are small: the plan does not know the
/// size of the workspace.
#[tokio::test]
async fn pages_of_a_large_workspace_among_small_ones_are_read_in_order() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO workspaces
         SELECT (jsonb_populate_record(w, jsonb_build_object('workspace_id', 'small-' || n, 'registration_number', 1000 + n))).*
         FROM workspaces w, generate_series(1, 100) n;
         INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
         SELECT workspace_id, named.id, named.id, 'sim-main', named.id, true, now(), now(), gen_random_uuid(), 1
         FROM workspaces, generate_series(1, CASE workspace_id WHEN 'north' THEN 50000 ELSE 100 END) n,
              LATERAL (SELECT 'device-' || lpad(n::text, 5, '0') AS id) AS named
         ORDER BY workspace_id DESC, n",
    )
    .await
    .expect("a large workspace among small ones");
    pool.execute("VACUUM ANALYZE devices")
        .await
        .expect("statistics");
    for (name, arguments) in [
        ("snapshots: page", "'north', '', NULL, 100"),
        ("devices: page", "'north', NULL, NULL, '', 100"),
    ] {
        let plan = plan_of(pool, name, arguments).await;
        assert!(plan.contains("using devices_pkey"), "{name}: {plan}");
        assert!(!plan.contains("Sort"), "{name}: {plan}");
    }
}

/// To a plan that is made for any workspace, each of a few large ones has a good part of all devices.
#[tokio::test]
async fn a_workspace_among_a_few_large_ones_is_read_without_them() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO workspaces
         SELECT (jsonb_populate_record(w, jsonb_build_object('workspace_id', 'large-' || n, 'registration_number', 1000 + n))).*
         FROM workspaces w, generate_series(1, 2) n;
         INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
         SELECT workspace_id, named.id, named.id, 'sim-main', named.id, true, now(), now(), gen_random_uuid(), 1
         FROM workspaces, generate_series(1, CASE workspace_id WHEN 'north' THEN 1000 ELSE 15000 END) n,
              LATERAL (SELECT 'device-' || lpad(n::text, 5, '0') AS id) AS named;
         INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version, last_update_received_at, newest_observed_at, signals, dropped)
         SELECT workspace_id, device_id, activation_id, 1, 0, activated_at, activated_at, '{}', '{}' FROM devices;
         ANALYZE",
    )
    .await
    .expect("a few large workspaces");
    let plan = plan_of(pool, "health: devices", "'north'").await;
    assert!(!reads_a_whole_table(&plan), "{plan}");
    // In a large workspace a nested loop, with a look-up for each device, would take ten times as long.
    assert!(!plan.contains("Nested Loop"), "{plan}");
}
