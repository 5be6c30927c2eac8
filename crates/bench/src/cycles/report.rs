//! What came of it, by the rows, and what must not have.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use tokio::time::{Instant, sleep};

use super::LEASE;
use super::triggers::Answers;
use crate::database::Database;
use crate::load::percentile;

/// How late a cycle may start that nothing was in the way of.
const START_WITHIN: Duration = Duration::from_secs(2);
/// How much longer than the lease the cycles of a killed instance may take.
const SLACK: TimeDelta = TimeDelta::seconds(20);

/// A slot's cycle.
#[derive(Debug, sqlx::FromRow)]
struct Cycle {
    workspace_id: String,
    status: String,
    due_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    missed: bool,
    leases_lost: i32,
    /// Events of its end.
    ends: i64,
    /// Records of its one connection.
    polls: i64,
}

/// Everything that is judged.
pub(super) struct Outcome {
    slots: i64,
    cycles: Vec<Cycle>,
    accepted_events: i64,
    snapshot_versions: i64,
}

/// Waits until nothing of the slots is open any more.
///
/// # Errors
/// When something still is after so long.
pub(super) async fn wait_for_the_end(
    database: &Database,
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
        ensure!(since.elapsed() < patience, "{open} cycles are still open");
        sleep(Duration::from_millis(200)).await;
    }
}

impl Outcome {
    /// Reads the rows of the slots in a span.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn read(
        database: &Database,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> anyhow::Result<Self> {
        let mut connection = database.connect().await?;
        let cycles: Vec<Cycle> = sqlx::query_as(
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

/// The table; answers what is wrong.
pub(super) fn print(answers: &Answers, outcome: &Outcome, killed_at: DateTime<Utc>) -> Vec<String> {
    let cycles = &outcome.cycles;
    let of_status = |status: &str| cycles.iter().filter(|one| one.status == status).count();
    let lost: Vec<&Cycle> = cycles.iter().filter(|one| one.leases_lost > 0).collect();
    let after_kill = |one: &&Cycle| one.ended_at.map(|ended| ended - killed_at);
    let slowest = lost.iter().filter_map(after_kill).max();
    let is_hindered = |one: &Cycle| {
        // Its workspace had another under the lease of the one that was killed.
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
    let told: Vec<String> = answers
        .iter()
        .map(|(answer, count)| format!("{answer}: {count}"))
        .collect();

    println!("| | bound | |");
    println!("|---|---|---|");
    println!("| triggers answered | | {} |", told.join(", "));
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
        (twice > 0, "a cycle was effective twice"),
        (missed > 0, "a slot was found without a trigger"),
        (
            queued + duplicates != all,
            "a trigger was answered otherwise",
        ),
        // The answer to one may have been lost with the instance: its repetition is the duplicate.
        (queued > cycles.len(), "a slot was queued twice"),
        (
            outcome.accepted_events != outcome.snapshot_versions,
            "events and snapshots differ",
        ),
        (
            percentile(&late, 100) > START_WITHIN,
            "a cycle started late",
        ),
        (lost.is_empty(), "the kill hit no cycle"),
        (
            slowest.is_some_and(|slowest| slowest > LEASE + SLACK),
            "a killed instance's cycle ended late",
        ),
    ]
    .into_iter()
    .filter(|(is_wrong, _)| *is_wrong)
    .map(|(_, what)| what.to_owned())
    .collect()
}
