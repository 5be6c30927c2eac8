//! Plans of statements that look back over poll cycles.

use sqlx::Executor;
use testkit::{Fixture, a_device, a_workspace};

use crate::statements::plan_of;

/// The latest poll, the latest answer and the first failure since are found in the index, however long the history of
/// polls is and even if the connection never answered.
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

/// A look back over a week reads that week of that workspace, and the overview reads the latest hours of all
/// workspaces, however long the history is.
#[tokio::test]
async fn a_look_back_over_cycles_reads_only_its_window() {
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
