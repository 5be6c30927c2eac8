//! The measurement of the worklist over all workspaces, against a plain query and against its own statements;
//! and of the memory that a spreadsheet of many rows takes.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use clock::Clock;
use hyper::StatusCode;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::cpu;
use crate::database::BenchDatabase;
use crate::fill::Fill;
use crate::fleet::{BATCH, BenchWorkspace};
use crate::grounds::{Grounds, Started};
use crate::http::{HttpConnection, excerpt};
use crate::service::Service;
use crate::{Running, report, statements};

/// The disk space of the write-ahead log and a million snapshots with their devices, in bytes.
const ROOM: u64 = 8_000 << 20;

const PREFIX: &str = "worklist-";

/// The number of rows in a page.
const LIMIT: usize = 100;

/// The numbers of devices in a thousand that are stale, and that never reported.
const STALE: i32 = 15;
const NEVER_REPORTED: i32 = 5;

/// The statement that makes a share of the devices silent, spread over the workspaces and over a day.
const SILENCE: &str = "
    UPDATE snapshots SET last_update_received_at = now() - interval '1 hour' - make_interval(secs => abs(hashtext(device_id || workspace_id)) % 86400)
    WHERE abs(hashtext(workspace_id || device_id)) % 1000 < $1";

/// The statement that makes a share of the devices look as if they had never reported.
const FORGET: &str = "
    WITH never AS (
        DELETE FROM snapshots WHERE abs(hashtext(workspace_id || device_id)) % 1000 >= 1000 - $1 RETURNING workspace_id, device_id
    )
    UPDATE devices d SET reported_in = NULL, activated_at = now() - interval '2 hours'
    FROM never WHERE d.workspace_id = never.workspace_id AND d.device_id = never.device_id";

/// The plain query of the worklist, as one would write it for a fleet with one policy.
const PLAIN: &str = "
    SELECT d.workspace_id, d.device_id, d.vehicle_id, d.provider_id, d.configured_at, d.activated_at,
           s.last_update_received_at, s.newest_observed_at
    FROM devices d
    JOIN workspaces w ON w.workspace_id = d.workspace_id AND w.read_owner = 'core'
    LEFT JOIN snapshots s ON s.workspace_id = d.workspace_id AND s.device_id = d.device_id AND s.activation_id = d.activation_id
    WHERE d.active AND (s.last_update_received_at < $1 OR s.device_id IS NULL AND d.activated_at < $2)
    ORDER BY coalesce(s.last_update_received_at, d.activated_at), d.workspace_id, d.device_id
    LIMIT $3";

/// The plain query of stale devices alone, without the devices that never reported.
const STALE_ALONE: &str = "
    SELECT s.workspace_id, s.device_id, s.last_update_received_at
    FROM snapshots s
    JOIN workspaces w ON w.workspace_id = s.workspace_id AND w.read_owner = 'core'
    WHERE s.last_update_received_at < $1
    ORDER BY s.last_update_received_at, s.workspace_id, s.device_id
    LIMIT $2";

/// Measures the worklist over all workspaces and a spreadsheet of it.
#[derive(Debug, Args)]
pub(crate) struct WorklistFlags {
    /// Number of devices, in workspaces of a hundred.
    #[arg(long, default_value = "1000000", value_parser = RangedU64ValueParser::<usize>::new().range(1_000..=2_000_000))]
    devices: usize,
    /// Number of reads of each side, by turns.
    #[arg(long, default_value = "15", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100))]
    rounds: u32,
    #[command(flatten)]
    grounds: Grounds,
}

/// The latencies of each side, round by round.
#[derive(Default)]
pub(crate) struct WorklistReads {
    /// The latencies of the first page through HTTP.
    pub(crate) http: Vec<Duration>,
    /// The latencies of the service's own statements.
    pub(crate) statements: Vec<Duration>,
    /// The latencies of the plain query.
    pub(crate) plain: Vec<Duration>,
    /// The latencies of the plain query of stale devices alone.
    pub(crate) stale_alone: Vec<Duration>,
}

/// The size of a downloaded spreadsheet, and what the download took.
pub(crate) struct SpreadsheetRead {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
    /// The most memory that the service held during the download.
    pub(crate) peak_kib: u64,
}

/// Measures pages by turns, then spreadsheets of few rows and of many rows.
///
/// # Errors
/// If an answer lacks a row.
pub(crate) async fn run(flags: &WorklistFlags, running: &mut Running) -> anyhow::Result<()> {
    let Started {
        place,
        database,
        service,
        ..
    } = flags.grounds.start(ROOM, running).await?;
    eprintln!("bench: filling {} devices", flags.devices);
    fill(database, flags.devices).await?;
    let before = cpu::load_average();
    let measured = pages(flags, service, database).await?;
    report::worklist(flags.devices, &measured, place, database);
    let mut sheets = vec![spreadsheet(service).await?];
    // For the second spreadsheet a tenth of all devices is stale.
    sqlx::query(SILENCE)
        .bind(100)
        .execute(&mut database.connect().await?)
        .await?;
    database.settle().await?;
    sheets.push(spreadsheet(service).await?);
    report::spreadsheets(&sheets);
    report::noise(&before, &cpu::load_average());
    Ok(())
}

async fn fill(database: &BenchDatabase, devices: usize) -> anyhow::Result<()> {
    let template = BenchWorkspace::new("template", 0, 1);
    let fill = Fill {
        prefix: PREFIX,
        from: 0,
        to: (devices / BATCH).try_into()?,
        devices: BATCH.try_into()?,
        signals: &template.signals[0],
    };
    let mut connection = database.connect().await?;
    fill.write(&mut connection).await?;
    for (statement, share) in [(SILENCE, STALE), (FORGET, NEVER_REPORTED)] {
        sqlx::query(statement)
            .bind(share)
            .execute(&mut connection)
            .await?;
    }
    database.settle().await
}

async fn pages(
    flags: &WorklistFlags,
    service: &Service,
    database: &BenchDatabase,
) -> anyhow::Result<WorklistReads> {
    let mut http = service.as_machine().await?;
    let mut bare = database.connect().await?;
    // The settings are those of the service's own connections.
    sqlx::raw_sql("SET jit = off; SET plan_cache_mode = force_generic_plan")
        .execute(&mut bare)
        .await?;
    let mut measured = WorklistReads::default();
    for round in 0..=flags.rounds {
        let now = Clock::system().now();
        let times = [
            page(&mut http).await?,
            statements(&mut bare, now).await?,
            plain(&mut bare, now).await?,
            stale_alone(&mut bare, now).await?,
        ];
        // The first round is a warm-up.
        if round > 0 {
            measured.http.push(times[0]);
            measured.statements.push(times[1]);
            measured.plain.push(times[2]);
            measured.stale_alone.push(times[3]);
        }
    }
    bare.close().await?;
    Ok(measured)
}

async fn page(http: &mut HttpConnection) -> anyhow::Result<Duration> {
    let path = format!("/api/telematics-mvp/follow-ups?limit={LIMIT}");
    let (body, took) = http.get(&path).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    let rows = answer["follow_ups"].as_array().map_or(0, Vec::len);
    ensure!(rows == LIMIT, "a page has {rows} rows instead of {LIMIT}");
    Ok(took)
}

fn cut_offs(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    (now - TimeDelta::minutes(15), now - TimeDelta::minutes(60))
}

fn rows_of_a_page() -> i64 {
    // The service asks for one more row than a page has, to know whether there is a next page.
    i64::try_from(LIMIT + 1).unwrap_or(i64::MAX)
}

/// Runs the service's statements of stale devices and of devices that never reported, one after the other;
/// the service itself runs both at the same time.
async fn statements(bare: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Duration> {
    let (stale_before, no_data_before) = cut_offs(now);
    let stale = statements::find_statement("worklist: stale devices")?;
    let never = statements::find_statement("worklist: devices that never reported")?;
    let since = Instant::now();
    let stale = sqlx::query(AssertSqlSafe(stale))
        .bind(vec![5])
        .bind(vec![15])
        .bind(vec![None::<i32>])
        .bind(vec![stale_before])
        .bind(stale_before)
        .bind(now)
        .bind(None::<DateTime<Utc>>)
        .bind("")
        .bind("")
        .bind(vec!["core"])
        .bind(None::<&str>)
        .bind(rows_of_a_page())
        .fetch_all(&mut *bare)
        .await?;
    let never = sqlx::query(AssertSqlSafe(never))
        .bind(vec![60])
        .bind(vec![no_data_before])
        .bind(no_data_before)
        .bind(now)
        .bind(None::<DateTime<Utc>>)
        .bind("")
        .bind("")
        .bind(vec!["core"])
        .bind(None::<&str>)
        .bind(rows_of_a_page())
        .fetch_all(bare)
        .await?;
    let took = since.elapsed();
    for rows in [stale, never] {
        ensure!(
            rows.len() == LIMIT + 1,
            "a statement has {} rows",
            rows.len()
        );
    }
    Ok(took)
}

async fn plain(bare: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Duration> {
    let (stale_before, no_data_before) = cut_offs(now);
    let since = Instant::now();
    let rows = sqlx::query(PLAIN)
        .bind(stale_before)
        .bind(no_data_before)
        .bind(rows_of_a_page())
        .fetch_all(bare)
        .await?;
    let took = since.elapsed();
    ensure!(rows.len() == LIMIT + 1, "the query has {} rows", rows.len());
    Ok(took)
}

async fn stale_alone(bare: &mut PgConnection, now: DateTime<Utc>) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let rows = sqlx::query(STALE_ALONE)
        .bind(cut_offs(now).0)
        .bind(rows_of_a_page())
        .fetch_all(bare)
        .await?;
    let took = since.elapsed();
    ensure!(rows.len() == LIMIT + 1, "the query has {} rows", rows.len());
    Ok(took)
}

async fn spreadsheet(service: &Service) -> anyhow::Result<SpreadsheetRead> {
    let process = service.process().context("the service has ended")?;
    let mut http = service.as_machine().await?;
    reset_peak(process)?;
    let since = Instant::now();
    let path = "/api/telematics-mvp/follow-ups";
    let (status, body) = http.get_as("text/csv", path).await?;
    let took = since.elapsed();
    ensure!(
        status == StatusCode::OK,
        "the spreadsheet was answered {status}: {}",
        excerpt(&body)
    );
    Ok(SpreadsheetRead {
        rows: body.windows(2).filter(|end| end == b"\r\n").count() - 1,
        bytes: body.len(),
        took,
        peak_kib: peak_kib(process)?,
    })
}

/// Resets the process's peak of memory (proc(5), `clear_refs`).
fn reset_peak(process: u32) -> anyhow::Result<()> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

fn peak_kib(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.split_whitespace().next());
    Ok(peak.context("no VmHWM")?.parse()?)
}
