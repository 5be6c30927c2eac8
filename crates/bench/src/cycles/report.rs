//! The result of the test: the rows of all cycles, the printed table, and the checks.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use tokio::time::{Instant, sleep};

use super::LEASE;
use super::triggers::Answers;
use crate::database::BenchDatabase;
use crate::load::percentile;

/// How late a cycle may start, unless the killed instance held its workspace.
const START_WITHIN: Duration = Duration::from_secs(2);
/// How much longer than the lease the cycles of a killed instance may take.
const SLACK: TimeDelta = TimeDelta::seconds(20);

/// The cycle of a slot.
#[derive(Debug, sqlx::FromRow)]
struct SlotCycle {
    workspace_id: String,
    status: String,
    due_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    missed: bool,
    leases_lost: i32,
    /// The number of events that say that the cycle ended.
    ends: i64,
    /// The number of poll records of the workspace's one connection.
    polls: i64,
}

/// The rows that the checks look at.
pub(super) struct CycleResults {
    slots: i64,
    cycles: Vec<SlotCycle>,
    accepted_events: i64,
    snapshot_versions: i64,
}

/// Waits until no cycle of the slots is queued or running.
///
/// # Errors
/// If a cycle is still open after `patience`.
pub(super) async fn wait_until_closed(
    database: &BenchDatabase,
    clock: &Clock,
    until: DateTime<Utc>,
    patience: Duration,
) -> anyhow::Result<()> {
    clock.sleep_until(until).await;
    let mut connection = database.connect().await?;
    let since = Instant::now();
    loop {
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM poll_cycles WHERE status IN ('queued', 'running') AND scheduled_time < $1",
        )
        .bind(until)
        .fetch_one(&mut connection)
        .await?;
        if open == 0 {
            return Ok(());
        }
        ensure!(
            since.elapsed() < patience,
            "{open} cycles are still queued or running after {} s",
            patience.as_secs()
        );
        sleep(Duration::from_millis(200)).await;
    }
}

impl CycleResults {
    /// Loads the rows of the slots in a span.
    ///
    /// # Errors
    /// If a statement fails.
    pub(super) async fn load(
        database: &BenchDatabase,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let mut connection = database.connect().await?;
        let cycles: Vec<SlotCycle> = sqlx::query_as(
            "SELECT workspace_id, status, due_at, started_at, ended_at, missed_at IS NOT NULL AS missed, leases_lost,
                 (SELECT count(*) FROM event_store event WHERE event.workspace_id = cycle.workspace_id
                  AND event.cycle_id = cycle.cycle_id AND event.type = 'WorkspacePollIngestCompleted') AS ends,
                 (SELECT count(*) FROM poll_cycle_connections polled WHERE polled.workspace_id = cycle.workspace_id
                  AND polled.cycle_id = cycle.cycle_id) AS polls
             FROM poll_cycles cycle WHERE scheduled_time >= $1 AND scheduled_time < $2",
        )
        .bind(from)
        .bind(until)
        .fetch_all(&mut connection)
        .await?;
        let (workspaces, accepted_events, snapshot_versions): (i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM workspaces),
                    (SELECT count(*) FROM event_store WHERE type = 'TelematicsUpdateAccepted'),
                    (SELECT coalesce(sum(version), 0)::bigint FROM snapshots)",
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Self {
            slots: workspaces * (until - from).num_minutes(),
            cycles,
            accepted_events,
            snapshot_versions,
        })
    }
}

/// Prints the table and returns the failed checks.
pub(super) fn print(
    answers: &Answers,
    outcome: &CycleResults,
    killed_at: DateTime<Utc>,
) -> Vec<String> {
    let cycles = &outcome.cycles;
    let of_status = |status: &str| cycles.iter().filter(|one| one.status == status).count();
    let lost: Vec<&SlotCycle> = cycles.iter().filter(|one| one.leases_lost > 0).collect();
    let after_kill = |one: &&SlotCycle| one.ended_at.map(|ended| ended - killed_at);
    let slowest = lost.iter().filter_map(after_kill).max();
    let is_hindered = |one: &SlotCycle| {
        // Another cycle of the workspace was under the lease of the killed instance.
        lost.iter()
            .any(|lost| lost.workspace_id == one.workspace_id)
    };
    let mut late: Vec<Duration> = cycles
        .iter()
        .filter(|one| !is_hindered(one))
        .filter_map(|one| (one.started_at? - one.due_at).to_std().ok())
        .collect();
    late.sort_unstable();
    let ms = |percent| percentile(&late, percent).as_millis();
    let twice = cycles
        .iter()
        .filter(|one| one.ends > 1 || one.polls > 1)
        .count();
    let missed = cycles.iter().filter(|one| one.missed).count();
    let counts: Vec<String> = answers
        .iter()
        .map(|(answer, count)| format!("{answer}: {count}"))
        .collect();

    println!("| | bound | |");
    println!("|---|---|---|");
    println!("| triggers answered | | {} |", counts.join(", "));
    println!(
        "| slots, each with one row | {} | {} |",
        outcome.slots,
        cycles.len()
    );
    println!(
        "| of them completed, failed by a provider that hung, superseded | | {}, {}, {} |",
        of_status("completed"),
        of_status("failed"),
        of_status("expired")
    );
    println!("| found without a trigger | 0 | {missed} |");
    println!("| polled or ended twice | 0 | {twice} |");
    println!(
        "| events of accepted updates, and versions of snapshots | equal | {}, {} |",
        outcome.accepted_events, outcome.snapshot_versions
    );
    println!(
        "| start after the due time, p50 / p99 / latest ms | {} | {} / {} / {} |",
        START_WITHIN.as_millis(),
        ms(50),
        ms(99),
        ms(100)
    );
    println!(
        "| cycles of the killed instance, and the last one's end after the kill | {} s | {}, {} s |\n",
        (LEASE + SLACK).num_seconds(),
        lost.len(),
        slowest.map_or(0, |slowest| slowest.num_seconds())
    );

    let open = cycles.iter().filter(|one| one.ended_at.is_none()).count();
    let queued = answers.get("202 queued").copied().unwrap_or_default();
    let duplicates = answers.get("200 duplicate").copied().unwrap_or_default();
    let all: usize = answers.values().sum();
    [
        (
            i64::try_from(cycles.len()) != Ok(outcome.slots),
            "a slot has no row",
        ),
        (open > 0, "a cycle has no end"),
        (twice > 0, "a cycle was polled or ended twice"),
        (missed > 0, "a slot was found without a trigger"),
        (
            queued + duplicates != all,
            "a trigger was answered with neither `queued` nor `duplicate`",
        ),
        // The kill can lose the answer to a trigger; the second request is then answered as a duplicate.
        (queued > cycles.len(), "a slot was queued twice"),
        (
            outcome.accepted_events != outcome.snapshot_versions,
            "the number of accepted updates differs from the sum of the snapshots' versions",
        ),
        (
            percentile(&late, 100) > START_WITHIN,
            "a cycle started late without a lost lease in its workspace",
        ),
        (
            lost.is_empty(),
            "the killed instance had no cycle under way",
        ),
        (
            slowest.is_some_and(|slowest| slowest > LEASE + SLACK),
            "a cycle of the killed instance ended late",
        ),
    ]
    .into_iter()
    .filter(|(is_wrong, _)| *is_wrong)
    .map(|(_, what)| what.to_owned())
    .collect()
}
