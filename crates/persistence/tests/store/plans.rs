//! Plans of statements: which rows and indexes PostgreSQL reads for them.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace};

use crate::statements::plan_of;

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

/// The first page of a large workspace is read in order where most workspaces are small, and its size
/// unknown to the plan.
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

/// Where each of the few workspaces has a good part of all devices, as far as a plan for any of them knows.
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
    assert!(!walks(&plan), "{plan}");
    // Of a large one, a look-up for each device would take ten times as long.
    assert!(!plan.contains("Nested Loop"), "{plan}");
}

/// Among a day full of envelopes, those of a batch are looked up by their ids, and what waits in
/// quarantine without the rest.
#[tokio::test]
async fn envelopes_are_looked_up_and_the_quarantine_has_an_index_of_its_own() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO provider_envelopes (workspace_id, envelope_id, recorded_at, provider_type, provider_id, received_at, outcome)
         SELECT 'north', gen_random_uuid(), '2026-11-23T08:00:00Z', 'depot_sim', 'sim-main', '2026-11-23T08:00:00Z',
                CASE WHEN n % 1000 = 0 THEN 'quarantined' ELSE 'accepted' END
         FROM generate_series(1, 20000) n;
         INSERT INTO raw_messages (workspace_id, recorded_at, envelope_id, raw_message)
         SELECT workspace_id, recorded_at, envelope_id, '7' FROM provider_envelopes;
         ANALYZE provider_envelopes, raw_messages",
    )
    .await
    .expect("a day of envelopes");
    let id = "'019ab000-0000-7000-8000-000000000001'";
    let known = format!("'north', ARRAY[{id}]::uuid[]");
    let page = format!("'north', {id}, 100, 2000");
    let lock = format!("'north', {id}, NULL, NULL, 100");
    let named = format!("'north', ARRAY[{id}]::uuid[], {id}");
    let forget = format!("'north', '2026-11-24', '2026-11-22', {id}, 10000");
    for (name, arguments, indexes) in [
        (
            "provider_envelopes: those known already",
            &known,
            &["provider_envelopes_pkey"][..],
        ),
        (
            "provider_envelopes: page of the quarantine",
            &page,
            &[
                "provider_envelopes_quarantined",
                "raw_messages_20261123_pkey",
            ],
        ),
        (
            "provider_envelopes: lock some of the quarantine",
            &lock,
            &[
                "provider_envelopes_quarantined",
                "raw_messages_20261123_pkey",
            ],
        ),
        (
            "provider_envelopes: lock those named",
            &named,
            &["provider_envelopes_pkey", "raw_messages_20261123_pkey"],
        ),
        (
            "provider_envelopes: forget some",
            &forget,
            &["provider_envelopes_pkey", "raw_messages_20261123_pkey"],
        ),
    ] {
        let plan = plan_of(pool, name, arguments).await;
        assert!(
            !plan.contains("Seq Scan on provider_envelopes")
                && !plan.contains("Seq Scan on raw_messages_20261123"),
            "{name}: {plan}"
        );
        for index in indexes {
            assert!(plan.contains(index), "{name}: {plan}");
        }
    }
}

/// However long the history of a connection's polls, and if it never answered in it: the latest of them, the
/// latest answer, and the first failure since.
#[tokio::test]
async fn evidence_is_found_in_the_index_of_polls() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, due_at, triggered_at)
         SELECT 'north', gen_random_uuid(), 'manual', 'completed', now(), now() FROM generate_series(1, 5000);
         INSERT INTO poll_cycle_connections (
             workspace_id, cycle_id, provider_id, outcome, devices_expected, returned, missing, unchanged, accepted,
             duplicate, stale, rejected, rejected_devices, attempts, duration_ms, started_at, ended_at
         )
         SELECT 'north', cycle_id, 'sim-main', 'failed', 0, 0, '{}', 0, 0, 0, 0, '{}', '{}', 1, 1,
                now() - random() * interval '30 days', now() - random() * interval '30 days'
         FROM poll_cycles;
         ANALYZE poll_cycles, poll_cycle_connections",
    )
    .await
    .expect("a long history");
    let plan = plan_of(
        pool,
        "issues: evidence of connections",
        "'north', '{circuit_open}'",
    )
    .await;
    let looked_up = plan
        .lines()
        .filter(|line| {
            line.contains("Index Cond: ((workspace_id = $1) AND (provider_id = c.provider_id)")
        })
        .count();
    assert_eq!(looked_up, 3, "{plan}");
    assert!(
        !plan.contains("Seq Scan on poll_cycle_connections"),
        "{plan}"
    );
    assert!(!plan.contains("Sort"), "{plan}");
}

/// The worklist reads the snapshots once, and looks up the few that are old enough; devices that never
/// reported are found without a look at the others.
#[tokio::test]
async fn silent_devices_are_looked_up_and_not_joined_to_all_there_are() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
         SELECT 'north', 'device-' || n, 'bus-' || n, 'sim-main', 'unit-' || n, true, now(), now(), gen_random_uuid(), 1
         FROM generate_series(1, 20000) n;
         UPDATE devices SET reported_in = activation_id WHERE device_id <> 'device-7';
         INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version,
             last_update_received_at, newest_observed_at, signals, dropped)
         SELECT workspace_id, device_id, activation_id, 1, 0, now(), now(), '{}', '{}' FROM devices;
         ANALYZE devices, snapshots",
    )
    .await
    .expect("a large workspace");
    let stale =
        "'{5}', '{15}', '{NULL}', ARRAY[now()], now(), NULL, NULL, '', '', '{core}', NULL, 101";
    let stale = plan_of(pool, "worklist: stale devices", stale).await;
    let never = "'{60}', ARRAY[now()], now(), NULL, NULL, '', '', '{core}', NULL, 101";
    let never = plan_of(pool, "worklist: devices that never reported", never).await;
    for (plan, wanted) in [
        (&stale, "Seq Scan on snapshots"),
        (&stale, "Index Scan using devices_pkey on devices"),
        (&never, "devices_unreported"),
        (&never, "Index Scan using snapshots_pkey on snapshots"),
    ] {
        assert!(plan.contains(wanted), "{wanted}: {plan}");
    }
    for plan in [stale, never] {
        for dear in ["Hash", "Seq Scan on devices"] {
            assert!(!plan.contains(dear), "{dear}: {plan}");
        }
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

/// What looks back over a week reads that week of that workspace, and the look over all workspaces their
/// latest hours, however much lies before.
#[tokio::test]
async fn looks_back_over_cycles_read_their_window_alone() {
    let fixture = Fixture::create().await;
    for id in ["north", "south", "east"] {
        a_workspace(id)
            .with(a_device("bus-1"))
            .create(&fixture)
            .await;
    }
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, scheduled_time, due_at, triggered_at, ended_at)
         SELECT workspace_id, gen_random_uuid(), 'scheduled', 'completed', slot, slot, slot, slot
         FROM workspaces, generate_series(1, 9000) n
         CROSS JOIN LATERAL (SELECT '2026-11-23T08:00:00Z'::timestamptz - n * interval '5 min' AS slot) s;
         INSERT INTO poll_cycle_connections (workspace_id, cycle_id, provider_id, outcome, devices_expected, returned, missing,
             unchanged, accepted, duplicate, stale, rejected, rejected_devices, attempts, duration_ms, started_at, ended_at)
         SELECT workspace_id, cycle_id, 'sim-main', 'ok', 1, 1, '{}', 0, 1, 0, 0, '{}', '{}', 1, 9, ended_at, ended_at
         FROM poll_cycles;
         INSERT INTO poll_cycle_hours (workspace_id, hour, outcome, slots)
         SELECT workspace_id, date_trunc('hour', scheduled_time, 'UTC'), 'completed', count(*) FROM poll_cycles GROUP BY 1, 2;
         ANALYZE poll_cycles, poll_cycle_connections, poll_cycle_hours",
    )
    .await
    .expect("a month of cycles");
    let week = "'2026-11-23T07:00:00Z', '2026-11-22T08:00:00Z', '2026-11-16T08:00:00Z', '2026-11-23T08:00:00Z'";
    for (name, arguments, index, condition) in [
        (
            "indicators: slots",
            "'north', '2026-11-16T08:00:00Z', '2026-11-23T08:00:00Z'".to_owned(),
            "poll_cycles_workspace_id_scheduled_time_key",
            "(scheduled_time > $2)",
        ),
        (
            "indicators: fresh time by window",
            format!("'north', {week}"),
            "poll_cycles_polled",
            "(ended_at > $4)",
        ),
        (
            "indicators: polled devices by window",
            format!(
                "'north', {week}, '019a7000-0000-7000-8000-000000000000', '019ab000-0000-7000-8000-000000000000', '{{circuit_open}}'"
            ),
            "poll_cycle_connections_pkey",
            "(cycle_id > $6)",
        ),
        (
            "overview: slots of some hours",
            "'2026-11-22T09:00:00Z', '2026-11-23T08:00:00Z'".to_owned(),
            "poll_cycle_hours_pkey",
            "(hour >= $1)",
        ),
        (
            "freshness: not measured yet",
            "'north', '2026-11-16T08:00:00Z', '00000000-0000-0000-0000-000000000000'".to_owned(),
            "poll_cycles_polled",
            "(workspace_id = $1)",
        ),
    ] {
        let plan = plan_of(pool, name, &arguments).await;
        let by_index = plan.contains(&format!("{index} ")) || plan.contains(&format!("{index}\n"));
        let condition = plan
            .lines()
            .any(|line| line.contains("Index Cond") && line.contains(condition));
        assert!(by_index && condition, "{name}: {plan}");
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

/// Whether a table is read from end to end. The days to come are, since there is nothing in them.
fn walks(plan: &str) -> bool {
    plan.lines().any(|line| {
        let table = line.split("Seq Scan on ").nth(1);
        table.is_some_and(|table| !("event_store_20261124".."event_store_3").contains(&table))
    })
}

/// What a workspace asks is found under its id: other workspaces, and days that are not asked for, cost
/// it nothing.
#[tokio::test]
async fn reads_of_a_workspace_look_at_its_own_rows() {
    let fixture = many_depots().await;
    let since = "'2026-11-22T23:00:00Z'";
    for (name, arguments) in [
        ("health: devices", "'north'".to_owned()),
        (
            "health: absent devices, and refused updates",
            "'north'".to_owned(),
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
        assert!(!walks(&plan), "{name}: {plan}");
        assert!(plan.contains("workspace_id = "), "{name}: {plan}");
    }
}

/// Whatever the history, the few open cycles are all that is read of it.
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

/// The scan of events is cut to the days that may hold them, before it begins.
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
