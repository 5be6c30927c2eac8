//! The measurement of one workspace's indicators over a week, and of all workspaces' cycle figures over a
//! day.

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::Value;
use sqlx::PgConnection;

use crate::cpu;
use crate::database::BenchDatabase;
use crate::fill::Fill;
use crate::fleet::BenchWorkspace;
use crate::grounds::{Grounds, Started};
use crate::health::Reads;
use crate::http::HttpConnection;
use crate::past::PastCycles;
use crate::{Running, report};

/// The disk space of the write-ahead log and of a day of cycles of ten thousand workspaces, in bytes.
const ROOM: u64 = 9_000 << 20;

const PREFIX: &str = "look-";
/// The number of devices of the workspace whose indicators are read. Its number comes after all others.
const DEVICES_OF_ONE: i32 = 100;
const DEVICES_OF_OTHERS: i32 = 10;
/// The number of slots in a day, five minutes apart.
const A_DAY: i32 = 288;
/// The number of slots in a week.
const A_WEEK: i32 = 2_016;

/// The statement that the service runs for the cycle figures of its overview.
const SLOTS: &str = "
    SELECT w.workspace_id, hours.outcome, hours.slots
    FROM workspaces w
    CROSS JOIN LATERAL (
        SELECT outcome, sum(slots) AS slots FROM poll_cycle_hours
        WHERE workspace_id = w.workspace_id
          AND hour >= date_trunc('hour', now(), 'UTC') - interval '23 h' AND hour <= date_trunc('hour', now(), 'UTC')
        GROUP BY outcome
    ) hours";

/// Measures the indicators of one workspace over a week of cycles, and the overview of all workspaces.
#[derive(Debug, Args)]
pub(crate) struct IndicatorsFlags {
    /// Number of workspaces beside the one whose indicators are read.
    #[arg(long, default_value = "10000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=20_000))]
    workspaces: u32,
    /// Number of reads of each kind.
    #[arg(long, default_value = "40", value_parser = RangedU64ValueParser::<u32>::new().range(5..=1_000))]
    reads: u32,
    #[command(flatten)]
    grounds: Grounds,
}

/// The reads of each kind.
pub(crate) struct IndicatorReads {
    pub(crate) workspaces: u32,
    /// The reads of `GET …/indicators` of one workspace with a week of cycles.
    pub(crate) of_one: Reads,
    /// The reads of all workspaces' cycle figures by their statement alone.
    pub(crate) slots: Reads,
    /// The reads of `GET /overview`, with devices by state and ages.
    pub(crate) overview: Reads,
}

/// Fills the tables, measures the reads and prints the figures.
///
/// # Errors
/// If an answer lacks data.
pub(crate) async fn run(flags: &IndicatorsFlags, running: &mut Running) -> anyhow::Result<()> {
    let Started {
        place,
        database,
        service,
        processes,
    } = flags.grounds.start(ROOM, running).await?;
    let one = i32::try_from(flags.workspaces)?;
    fill(database, one).await?;

    let before = cpu::load_average();
    let mut http = service.as_machine().await?;
    let mut bare = database.connect().await?;
    let indicators = format!("/api/telematics-mvp/workspaces/{PREFIX}{one:05}/indicators");
    let mut reads = IndicatorReads {
        workspaces: flags.workspaces,
        of_one: Reads::default(),
        slots: Reads::default(),
        overview: Reads::default(),
    };
    eprintln!("bench: measuring");
    // The first read of each kind is a warm-up.
    for read in 0..=flags.reads {
        let before = processes.cpu_time()?;
        let of_one = read_indicators(&mut http, &indicators).await?;
        let after_one = processes.cpu_time()?;
        let slots = read_slots(&mut bare, flags.workspaces).await?;
        let after_slots = processes.cpu_time()?;
        let overview = read_overview(&mut http, flags.workspaces).await?;
        let after = processes.cpu_time()?;
        if read > 0 {
            reads.of_one.add(of_one, after_one.since(before));
            reads.slots.add(slots, after_slots.since(after_one));
            reads.overview.add(overview, after.since(after_slots));
        }
    }
    for kind in [&mut reads.of_one, &mut reads.slots, &mut reads.overview] {
        kind.latencies.sort_unstable();
    }
    report::indicators(&reads, place, database);
    report::noise(&before, &cpu::load_average());
    Ok(())
}

async fn fill(database: &BenchDatabase, one: i32) -> anyhow::Result<()> {
    eprintln!("bench: filling {one} workspaces with a day of cycles, and one with a week");
    let signals = BenchWorkspace::new("template", 0, 1).signals[0].clone();
    let mut connection = database.connect().await?;
    for (from, to, devices, slots) in [
        (0, one, DEVICES_OF_OTHERS, A_DAY),
        (one, one + 1, DEVICES_OF_ONE, A_WEEK),
    ] {
        let fill = Fill {
            prefix: PREFIX,
            from,
            to,
            devices,
            signals: &signals,
        };
        fill.write(&mut connection).await?;
        let past = PastCycles {
            prefix: PREFIX,
            from,
            to,
            slots,
        };
        past.write(&mut connection).await?;
        sqlx::raw_sql("SET session_replication_role = origin")
            .execute(&mut connection)
            .await?;
    }
    database.settle().await
}

async fn read_json(http: &mut HttpConnection, path: &str) -> anyhow::Result<(Value, Duration)> {
    let (body, latency) = http.get(path).await?;
    Ok((serde_json::from_slice(&body)?, latency))
}

async fn read_indicators(http: &mut HttpConnection, path: &str) -> anyhow::Result<Duration> {
    let (answer, latency) = read_json(http, path).await?;
    let week = &answer["windows"]["7d"];
    let scheduled = week["cycles"]["scheduled"].as_i64();
    // The oldest slots can have left the window of a week since they were written.
    ensure!(
        scheduled.is_some_and(|slots| (i64::from(A_WEEK) - 9..=A_WEEK.into()).contains(&slots)),
        "a week has {scheduled:?} slots"
    );
    ensure!(
        week["coverage_percent"] == 99.0,
        "coverage is {}",
        week["coverage_percent"]
    );
    Ok(latency)
}

async fn read_slots(connection: &mut PgConnection, workspaces: u32) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let rows: Vec<(String, String, i64)> = sqlx::query_as(SLOTS).fetch_all(connection).await?;
    let latency = since.elapsed();
    ensure!(
        rows.len() > usize::try_from(workspaces)?,
        "{} outcomes of {workspaces} workspaces",
        rows.len()
    );
    Ok(latency)
}

async fn read_overview(http: &mut HttpConnection, workspaces: u32) -> anyhow::Result<Duration> {
    let (answer, latency) = read_json(http, "/api/telematics-mvp/overview").await?;
    let totals = &answer["totals"];
    ensure!(
        totals["workspaces"] == workspaces + 1 && totals["cycle_success_percent_24h"].is_number(),
        "totals are {totals}"
    );
    Ok(latency)
}
