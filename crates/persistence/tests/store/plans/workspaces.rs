//! Plans of statements about one workspace, where there are many.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace};

use super::reads_a_whole_table;
use crate::statements::plan_of;

/// Forty workspaces of 250 devices that report, with a day of polls and events.
async fn many_depots() -> Fixture {
    let fixture = Fixture::create().await;
    a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    fixture
        .store()
        .pool()
        .execute(
            "INSERT INTO workspaces
             SELECT (jsonb_populate_record(w, jsonb_build_object('workspace_id', 'depot-' || n))).*
             FROM workspaces w, generate_series(1, 40) n;
             INSERT INTO provider_connections
             SELECT (jsonb_populate_record(c, jsonb_build_object('workspace_id', w.workspace_id))).*
             FROM provider_connections c, workspaces w WHERE w.workspace_id <> 'north';
             INSERT INTO provider_connections
             SELECT (jsonb_populate_record(c, jsonb_build_object('provider_id', 'sim-' || n))).*
             FROM provider_connections c, generate_series(1, 60) n;
             INSERT INTO cutover_changes
             SELECT (jsonb_populate_record(c, jsonb_build_object('workspace_id', w.workspace_id, 'version', n))).*
             FROM cutover_changes c, workspaces w, generate_series(2, 60) n;
             INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
             SELECT workspace_id, 'device-' || n, 'bus-' || n, 'sim-main', 'unit-' || n, true, created_at, created_at, gen_random_uuid(), 1
             FROM workspaces, generate_series(1, 250) n;
             INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version, last_update_received_at, newest_observed_at, signals, dropped)
             SELECT workspace_id, device_id, activation_id, 1, 0, activated_at, activated_at, '{}', '{}' FROM devices;
             INSERT INTO device_absences (workspace_id, device_id, activation_id, missing_since)
             SELECT workspace_id, device_id, activation_id, activated_at FROM devices WHERE device_id LIKE '%7';
             INSERT INTO rejections (workspace_id, reason, provider_id, external_id, device_id, pointer, count, first_seen_at, last_seen_at, detail)
             SELECT workspace_id, 'future_timestamp', '', '', device_id, '', 1, activated_at, activated_at, '' FROM devices;
             INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, scheduled_time, due_at, triggered_at, started_at, ended_at)
             SELECT workspace_id, gen_random_uuid(), 'scheduled', CASE n WHEN 0 THEN 'queued' ELSE 'completed' END, at, at, at, at,
                    CASE n WHEN 0 THEN NULL ELSE at END
             FROM workspaces, generate_series(0, 287) n, LATERAL (SELECT timestamptz '2026-11-23 08:00Z' - n * interval '5 min') slot (at);
             INSERT INTO poll_cycle_connections
             SELECT workspace_id, cycle_id, 'sim-main', 'ok', NULL, NULL, 250, 250, '{}', 0, 250, 0, 0, '{}', '{}', 1, 9, started_at, ended_at
             FROM poll_cycles WHERE status = 'completed';
             INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, normalized_values, payload)
             SELECT workspace_id, at, gen_random_uuid(), 'TelematicsUpdateAccepted', 'device-' || n % 250, '{}', '{}'
             FROM workspaces, generate_series(0, 1999) n, LATERAL (SELECT timestamptz '2026-11-23 07:00Z' - n * interval '30 s') recorded (at);
             INSERT INTO baselines (workspace_id, day_begins_at, recorded_at)
             SELECT workspace_id, day, day FROM workspaces, generate_series(timestamptz '2026-09-01', '2026-11-23', '1 day') day;
             ANALYZE",
        )
        .await
        .expect("many depots");
    fixture
}

const A_CYCLE: &str = "'019ab000-0000-7000-8000-000000000000'";
const NOW: &str = "'2026-11-23T08:00:00Z'";

/// A read of one workspace finds its rows by the workspace's id. Other workspaces, and days that were not asked for, cost
/// it nothing.
#[tokio::test]
async fn reads_of_a_workspace_read_its_own_rows_only() {
    let fixture = many_depots().await;
    let since = "'2026-11-22T23:00:00Z'";
    for (name, arguments) in [
        ("health: devices", "'north'".to_owned()),
        (
            "health: absent devices, and refused updates",
            "'north', '{invalid_timestamp,future_timestamp,no_valid_signals}'".to_owned(),
        ),
        (
            "health: connections and their latest polls",
            "'north', '{circuit_open}'".to_owned(),
        ),
        ("snapshots: page", "'north', '', NULL, 100".to_owned()),
        ("snapshots: one", "'north', 'device-7'".to_owned()),
        ("devices: page", "'north', NULL, NULL, '', 100".to_owned()),
        ("acceptance: connections", "'north'".to_owned()),
        (
            "acceptance: devices and what is held, by id",
            "'north', '{device-7,device-8}'".to_owned(),
        ),
        (
            "acceptance: devices and what is held, by external id",
            "'north', '{sim-main}', '{unit-7}'".to_owned(),
        ),
        (
            "poll_cycle_connections: of some cycles",
            format!("'north', ARRAY[{A_CYCLE}::uuid]"),
        ),
        (
            "poll_cycles: claim",
            format!("'north', {A_CYCLE}, {A_CYCLE}, '30 s', {NOW}, 3"),
        ),
        ("baselines: newest at an instant", format!("'north', {NOW}")),
        (
            "baselines: oldest since a day",
            "'north', '2026-11-01'".to_owned(),
        ),
        ("history: workspace as of", format!("'north', {NOW}")),
        (
            "history: devices as of",
            format!("'north', {NOW}, {since}, {since}"),
        ),
        (
            "history: connections and their polls as of",
            format!("'north', {NOW}, '{{circuit_open}}'"),
        ),
        (
            "history: last answers that named absent devices",
            format!("'north', '{{device-7}}', '{{sim-main}}', ARRAY[{since}::timestamptz], {NOW}"),
        ),
        (
            "history: snapshots and what they follow from",
            format!("'north', {since}, {since}, '{{device-7}}'"),
        ),
    ] {
        let plan = plan_of(fixture.store().pool(), name, &arguments).await;
        assert!(!reads_a_whole_table(&plan), "{name}: {plan}");
        assert!(plan.contains("workspace_id = "), "{name}: {plan}");
    }
}

/// The few open cycles are read, however long the history is.
#[tokio::test]
async fn claims_read_open_cycles_and_the_latest_one_of_each_workspace() {
    let fixture = many_depots().await;
    let plan = plan_of(
        fixture.store().pool(),
        "poll_cycles: claim candidates",
        &format!("{NOW}, 4, 4"),
    )
    .await;
    for index in [
        "poll_cycles_open",
        "poll_cycles_polled",
        "poll_cycles_one_running",
    ] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
    assert!(!plan.contains("Seq Scan on"), "{plan}");
}

/// Days that cannot have the events are left out before the scan of events begins.
#[tokio::test]
async fn history_is_read_from_the_days_it_may_be_in() {
    let fixture = many_depots().await;
    let since = "'2026-11-22T23:00:00Z'";
    for (name, arguments) in [
        (
            "history: devices as of",
            format!("'north', {NOW}, {since}, {since}"),
        ),
        (
            "history: snapshots and what they follow from",
            format!("'north', {since}, {since}, NULL"),
        ),
    ] {
        let plan = plan_of(fixture.store().pool(), name, &arguments).await;
        assert!(plan.contains("Subplans Removed"), "{name}: {plan}");
        assert!(!plan.contains("event_store_20261121"), "{name}: {plan}");
    }
}
