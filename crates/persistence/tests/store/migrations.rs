//! Migrations: any number of instances, any number of times.

use persistence::history::HistoryStart;
use persistence::{Fence, Store};
use sqlx::Connection as _;
use testkit::{TestDatabase, eventually};

async fn applied(store: &Store) -> Vec<(i64, bool)> {
    sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version")
        .fetch_all(store.pool())
        .await
        .expect("migrations")
}

/// The counter is the one row that a migration inserts.
async fn counters(store: &Store) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM registration_counter")
        .fetch_one(store.pool())
        .await
        .expect("a count")
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    store.migrate().await.expect("the first time");
    let first = applied(store).await;
    assert!(!first.is_empty() && first.iter().all(|(_, success)| *success));
    store.migrate().await.expect("the second time");
    assert_eq!(applied(store).await, first);
    assert_eq!(counters(store).await, 1);
}

#[tokio::test]
async fn instances_that_start_at_once_migrate_once() {
    let database = TestDatabase::create_empty().await;
    let stores = [
        database.another_store(),
        database.another_store(),
        database.another_store(),
    ];
    let outcomes = tokio::join!(
        stores[0].migrate(),
        stores[1].migrate(),
        stores[2].migrate()
    );
    outcomes.0.expect("the first instance");
    outcomes.1.expect("the second instance");
    outcomes.2.expect("the third instance");
    assert_eq!(counters(database.store()).await, 1);
    let versions = applied(database.store()).await;
    assert!(
        versions.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "{versions:?}"
    );
}

/// One that has a large store to go through may be at it for long.
#[tokio::test]
async fn an_instance_waits_while_another_migrates() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    let mut another = store.pool().acquire().await.expect("a connection").detach();
    let locked = sqlx::query("SELECT pg_advisory_lock(2026, 0)");
    locked.execute(&mut another).await.expect("the lock");
    let waiting = database.another_store();
    let (migrated, ()) = tokio::join!(waiting.migrate(), async {
        eventually("the instance waits", async || {
            database.sessions_waiting().await == 1
        })
        .await;
        another.close().await.expect("the end");
    });
    migrated.expect("migrated");
    assert!(!applied(store).await.is_empty());
}

/// The version before connections could be read by a feed.
const BEFORE_CURSORS: i64 = 20_261_125_004_100;

/// It has no cursor, and so is read from the beginning; it can have one, which goes with it.
#[tokio::test]
async fn a_connection_that_was_there_before_has_no_cursor_and_can_have_one() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_CURSORS, store.pool())
        .await
        .expect("migrations as they were");
    let run = async |sql: &'static str| {
        sqlx::query(sql)
            .bind(testkit::start())
            .execute(store.pool())
            .await
            .expect("a statement")
            .rows_affected()
    };
    run("INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version,
             cutover_changed_at, cutover_changed_by, poll_interval_minutes, stale_threshold_minutes,
             no_data_grace_minutes, policy_version, policy_changed_at)
         VALUES ('north', 'North', true, $1, 1, 1, 'core', 'core', 'core', 'mixed', 1, $1, 'anna', 5, 15, 60, 2, $1)")
    .await;
    run("INSERT INTO provider_connections (workspace_id, provider_id, provider_type, base_url, enabled, settings,
             version, created_at, changed_at)
         VALUES ('north', 'sim-main', 'depot_sim', 'http://127.0.0.1:1/a', true, '{}', 4, $1, $1)")
    .await;
    store.migrate().await.expect("the rest");

    let workspace_id = domain::ids::WorkspaceId::try_new("north").expect("an id");
    let provider_id = domain::ids::ProviderId::try_new("sim-main").expect("an id");
    let held = async || {
        let held = store.held_cursor(&workspace_id, &provider_id).await;
        held.expect("the store")
    };
    assert_eq!(held().await, None);
    run("INSERT INTO provider_cursors (workspace_id, provider_id, cursor, connection_version, read_anew_at, cycle_id, committed_at)
         VALUES ('north', 'sim-main', 'c1', 4, $1, gen_random_uuid(), $1)")
    .await;
    assert_eq!(held().await.expect("a cursor").cursor.as_str(), "c1");
    let removed = run("DELETE FROM provider_connections WHERE created_at = $1").await;
    assert_eq!((removed, held().await), (1, None));
}

/// The version before slots were looked over.
const BEFORE_SLOTS: i64 = 20_261_124_231_500;

/// Nobody knows when a workspace that was there before was inactive: none of its past slots is missed.
#[tokio::test]
async fn a_workspace_that_was_there_before_is_held_to_its_slots_from_the_migration_on() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_SLOTS, store.pool())
        .await
        .expect("migrations as they were");
    let insert = "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
                      device_registry_source, poll_owner, read_owner, provider_mode, cutover_version,
                      cutover_changed_at, cutover_changed_by, poll_interval_minutes, stale_threshold_minutes,
                      no_data_grace_minutes, policy_version, policy_changed_at)
                  VALUES ($1, 'North', true, $2, 1, 1, 'core', 'core', 'core', 'mixed', 1, $2, 'anna', 5, 15, 60, 2,
                          $2 + interval '1 hour')";
    let created_at = testkit::start() - testkit::hours(10_000);
    let register = async |id: &str| {
        sqlx::query(insert)
            .bind(id)
            .bind(created_at)
            .execute(store.pool())
            .await
            .expect("a workspace");
    };
    register("north").await;
    store.migrate().await.expect("the rest");
    // An instance of the version before registers one more.
    register("south").await;
    let workspace = async |id: &str| {
        let id = domain::ids::WorkspaceId::try_new(id).expect("an id");
        let record = store.workspace(&id).await.expect("the store");
        record.expect("the workspace").workspace
    };
    let (north, south) = (workspace("north").await, workspace("south").await);
    let changed_at = created_at + testkit::hours(1);
    assert_eq!(north.cadences.current.since, changed_at);
    assert_eq!(north.cadences.previous, None);
    for workspace in [north, south] {
        assert!(workspace.polled_since().expect("core polls it") > changed_at);
    }
}

/// The version before provider envelopes.
const BEFORE_ENVELOPES: i64 = 20_261_125_004_100;

#[tokio::test]
async fn events_and_cycles_that_were_there_before_have_no_envelope_and_no_stream() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_ENVELOPES, store.pool())
        .await
        .expect("migrations as they were");
    let now = testkit::start();
    for statement in [
        "CREATE TABLE event_store_20261123 PARTITION OF event_store FOR VALUES FROM ('2026-11-23') TO ('2026-11-24')",
        "INSERT INTO event_store (workspace_id, recorded_at, event_id, type, payload)
         VALUES ('north', '2026-11-23T07:00:00Z', '019a0000-0000-7000-8000-000000000001', 'TelematicsUpdateAccepted', '{}')",
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version,
             cutover_changed_at, cutover_changed_by, poll_interval_minutes, stale_threshold_minutes,
             no_data_grace_minutes, policy_version, policy_changed_at)
         VALUES ('north', 'North', true, '2026-11-23', 1, 1, 'core', 'core', 'core', 'mixed', 1, '2026-11-23', 'anna', 5, 15, 60, 1, '2026-11-23')",
        "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at, started_at, ended_at)
         VALUES ('north', '019a0000-0000-7000-8000-000000000002', 'manual', 'completed', '2026-11-23', '2026-11-23', '2026-11-23', '2026-11-23')",
    ] {
        sqlx::raw_sql(statement)
            .execute(store.pool())
            .await
            .expect(statement);
    }
    store.migrate().await.expect("the rest");
    store.ensure_partitions(now).await.expect("partitions");
    let id = domain::ids::WorkspaceId::try_new("north").expect("an id");
    let cycles = store
        .poll_cycles(&id, None, None, 10)
        .await
        .expect("cycles");
    assert_eq!(cycles.len(), 1);
    assert!(cycles[0].streams.is_empty());
    let envelopes: Vec<Option<uuid::Uuid>> =
        sqlx::query_scalar("SELECT envelope_id FROM event_store")
            .fetch_all(store.pool())
            .await
            .expect("events");
    assert_eq!(envelopes, [None]);
}

/// The version before first reports were noted.
const BEFORE_FIRST_REPORTS: i64 = 20_261_125_050_000;

/// Of devices that were there before nothing is known until upkeep has looked, and nothing is lost either.
#[tokio::test]
async fn first_reports_of_devices_that_were_there_before_are_noted_by_upkeep() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_FIRST_REPORTS, store.pool())
        .await
        .expect("migrations as they were");
    sqlx::raw_sql(
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version, cutover_changed_at,
             cutover_changed_by, poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
             policy_version, policy_changed_at)
         VALUES ('north', 'North', true, now(), 1, 1, 'core', 'core', 'core', 'mixed', 1, now(), 'anna', 5, 15, 60, 1, now());
         INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at,
             activated_at, activation_id, version)
         SELECT 'north', id, id, 'main', id, id <> 'retired', now(), now(), gen_random_uuid(), 1
         FROM unnest(ARRAY['never', 'reported', 'refitted', 'retired']) AS id;
         INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version,
             last_update_received_at, newest_observed_at, signals, dropped)
         SELECT workspace_id, device_id, CASE device_id WHEN 'refitted' THEN gen_random_uuid() ELSE activation_id END,
             1, 0, now(), now(), '{}', '{}'
         FROM devices WHERE device_id <> 'never'",
    )
    .execute(store.pool())
    .await
    .expect("a fleet");
    store.migrate().await.expect("the rest");
    let unreported = async || -> Vec<String> {
        sqlx::query_scalar("SELECT device_id FROM devices WHERE unreported ORDER BY device_id")
            .fetch_all(store.pool())
            .await
            .expect("devices")
    };
    assert_eq!(unreported().await, ["never", "refitted", "reported"]);
    let north = domain::ids::WorkspaceId::try_new("north").expect("an id");
    let found = store.workspaces_with_first_reports(10).await;
    assert_eq!(found.expect("workspaces"), std::slice::from_ref(&north));
    assert_eq!(store.note_first_reports(&north).await.expect("a note"), 1);
    assert_eq!(unreported().await, ["never", "refitted"]);
    assert_eq!(store.note_first_reports(&north).await.expect("nothing"), 0);
    let found = store.workspaces_with_first_reports(10).await;
    assert_eq!(found.expect("workspaces"), []);
}

/// The version before slots were counted by the hour.
const BEFORE_HOURS: i64 = 20_261_125_004_100;

/// Slots that had ended are counted by how they ended, those that were made up for as missed.
#[tokio::test]
async fn slots_that_were_there_before_are_counted_by_the_hour() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_HOURS, store.pool())
        .await
        .expect("migrations as they were");
    sqlx::raw_sql(
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version,
             cutover_changed_at, cutover_changed_by, poll_interval_minutes, stale_threshold_minutes,
             no_data_grace_minutes, policy_version, policy_changed_at)
         VALUES ('north', 'North', true, now(), 1, 1, 'core', 'core', 'core', 'mixed', 1, now(), 'anna', 5, 15, 60, 1, now());
         INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, scheduled_time, due_at, triggered_at, missed_at)
         SELECT 'north', gen_random_uuid(), trigger, status, slot::timestamptz, now(), now(), missed_at
         FROM (VALUES
             ('scheduled', 'completed', '2026-11-23T08:00:00Z', NULL::timestamptz),
             ('scheduled', 'completed', '2026-11-23T08:55:00Z', NULL),
             ('scheduled', 'partial', '2026-11-23T09:00:00Z', NULL),
             ('recovery', 'completed', '2026-11-23T09:05:00Z', now()),
             ('recovery', 'queued', '2026-11-23T09:10:00Z', now()),
             ('scheduled', 'missed', '2026-11-23T09:15:00Z', now()),
             ('scheduled', 'running', '2026-11-23T09:20:00Z', NULL),
             ('manual', 'completed', NULL, NULL)
         ) AS cycle (trigger, status, slot, missed_at)",
    )
    .execute(store.pool())
    .await
    .expect("cycles");
    store.migrate().await.expect("the rest");
    let counted: Vec<(String, String, i32)> = sqlx::query_as(
        "SELECT to_char(hour AT TIME ZONE 'UTC', 'HH24:MI'), outcome, slots FROM poll_cycle_hours ORDER BY hour, outcome",
    )
    .fetch_all(store.pool())
    .await
    .expect("hours");
    let counted: Vec<(&str, &str, i32)> = counted
        .iter()
        .map(|(hour, outcome, slots)| (hour.as_str(), outcome.as_str(), *slots))
        .collect();
    assert_eq!(
        counted,
        [
            ("08:00", "completed", 2),
            ("09:00", "missed", 3),
            ("09:00", "partial", 1)
        ]
    );
}

/// The version before baselines.
const BEFORE_BASELINES: i64 = 20_261_125_004_100;

/// Its updates do not tell activation and version: they are taken by time, until a baseline stands for them.
#[tokio::test]
async fn a_device_that_reported_before_has_its_first_baseline_from_its_snapshot() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    sqlx::migrate!("../../migrations")
        .run_to(BEFORE_BASELINES, store.pool())
        .await
        .expect("migrations as they were");
    let now = testkit::start();
    sqlx::raw_sql(
        r#"CREATE TABLE event_store_20261123 PARTITION OF event_store FOR VALUES FROM ('2026-11-23') TO ('2026-11-24');
           INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
               device_registry_source, poll_owner, read_owner, provider_mode, cutover_version, cutover_changed_at,
               cutover_changed_by, poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
               policy_version, policy_changed_at, polling_changed_at, poll_interval_since)
           SELECT 'north', 'North', true, at, 1, 1, 'core', 'core', 'core', 'mixed', 1, at, 'anna', 5, 15, 60, 1, at, at, at
           FROM (SELECT timestamptz '2026-11-23 07:00Z') past (at);
           INSERT INTO devices VALUES ('north', 'bus-1', 'bus', 'sim', 'unit', true, '2026-11-23 07:00Z', '2026-11-23 07:00Z',
               '019ab000-0000-7000-8000-000000000000', 1);
           INSERT INTO snapshots VALUES ('north', 'bus-1', '019ab000-0000-7000-8000-000000000000', 2, 1, '2026-11-23 07:45Z',
               '2026-11-23 07:44Z', '{"2026-11-23T07:44:00Z":{"speed_kmh":3}}', '{}');
           INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
           SELECT 'north', at, gen_random_uuid(), 'TelematicsUpdateAccepted', 'bus-1', payload::json
           FROM (VALUES (timestamptz '2026-11-23 07:40Z', '{"normalized_values":{"2026-11-23T07:39:00Z":{"speed_kmh":9}}}'),
                        ('2026-11-23 07:45Z', '{"normalized_values":{"2026-11-23T07:44:00Z":{"speed_kmh":3}}}'),
                        ('2026-11-23 06:45Z', '{"normalized_values":{"2026-11-23T06:44:00Z":{"range_km":3}}}'))
             AS updates (at, payload);"#,
    )
    .execute(store.pool())
    .await
    .expect("rows as they were");
    store.migrate().await.expect("the rest");

    let id = domain::ids::WorkspaceId::try_new("north").expect("an id");
    let without = store
        .workspaces_without_baseline(now.date_naive(), 10)
        .await;
    assert_eq!(without.expect("the store"), std::slice::from_ref(&id));
    let mut start = HistoryStart {
        baseline_at: None,
        whole_since: now - testkit::hours(24),
    };
    let compared = async |start| {
        let mut devices = Vec::new();
        let rebuilt = store.rebuild(&id, start, |device| devices.push(device));
        rebuilt.await.expect("the store");
        let device = devices.pop().expect("a device");
        (device.stored == device.folded.snapshot, device.is_whole)
    };
    assert_eq!(compared(start).await, (true, true));

    let mut uow = store.begin(&id, Fence::Shared).await.expect("the store");
    assert!(uow.claim_baseline(now).await.expect("the store"));
    let appended = uow.append_baselines(&[uuid::Uuid::from_u128(1)], now).await;
    assert_eq!(appended.expect("the store"), 1);
    uow.commit().await.expect("a commit");
    start.baseline_at = store.baseline_at(&id, now).await.expect("the store");
    assert_eq!(start.baseline_at, Some(now));
    assert_eq!(compared(start).await, (true, true));
}
