//! The measurement of health reads through HTTP, against the statements that they are computed from.

use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::BenchFlags;
use crate::cpu::{CpuTime, Processes};
use crate::database::BenchDatabase;
use crate::fill::Fill;
use crate::http::HttpConnection;
use crate::service::Service;
use crate::statements;

/// The number of devices in an answer: by default, and at most.
pub(crate) const PAGE: usize = 100;
pub(crate) const LONGEST_PAGE: usize = 1000;

/// The least time that a side reads for in a round, and the least number of its reads.
const A_SIDE: Duration = Duration::from_millis(300);
const READS: usize = 10;

/// The name of the statement that reads the devices with their snapshots' times.
const ROWS: &str = "health: devices";

/// The names of the service's other statements: the workspace, its connections with their latest polls, and
/// the devices that the provider's latest answer lacked or that had updates refused.
const BESIDES: [&str; 3] = [
    "workspaces: one",
    "health: connections and their latest polls",
    "health: absent devices, and refused updates",
];

/// A row of the devices' statement.
type HealthRow = (
    String,
    String,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// The latencies and the CPU time of one side's reads.
#[derive(Default)]
pub(crate) struct Reads {
    /// The latencies, the shortest first.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) cpu: CpuTime,
}

impl Reads {
    /// Adds a read.
    pub(crate) fn add(&mut self, latency: Duration, cpu: CpuTime) {
        self.latencies.push(latency);
        self.cpu = self.cpu.plus(cpu);
    }
}

/// The health reads of all sides.
#[derive(Default)]
pub(crate) struct HealthReads {
    pub(crate) http: Reads,
    /// The service's statements, one after the other.
    pub(crate) statements: Reads,
    /// The devices' statement alone.
    pub(crate) bare: Reads,
    /// The size of an answer.
    pub(crate) answer_bytes: usize,
}

/// A workspace whose data is read in a measurement.
pub(crate) struct ReadWorkspace {
    /// The workspace's id.
    pub(crate) workspace: &'static str,
    /// The number of devices.
    pub(crate) devices: usize,
}

impl ReadWorkspace {
    /// Writes the workspace into the tables, with a snapshot of each device.
    ///
    /// # Errors
    /// If PostgreSQL refuses a statement.
    pub(crate) async fn fill(&self, database: &BenchDatabase, signals: &str) -> anyhow::Result<()> {
        let (prefix, number) = self.workspace.split_at(self.workspace.len() - 5);
        let from = number.parse()?;
        let fill = Fill {
            prefix,
            from,
            to: from + 1,
            devices: self.devices.try_into()?,
            signals,
        };
        fill.write(&mut database.connect().await?).await
    }
}

/// Measures all sides by turns, after a warm-up.
///
/// # Errors
/// If an answer lacks a device.
pub(crate) async fn measure(
    flags: &BenchFlags,
    (subject, page): (&ReadWorkspace, usize),
    service: &Service,
    database: &BenchDatabase,
    processes: &Processes,
) -> anyhow::Result<HealthReads> {
    let mut http = service.as_machine().await?;
    let mut bare = StatementReader {
        connection: database.connect().await?,
        rows: statements::find_statement(ROWS)?,
        besides: BESIDES
            .into_iter()
            .map(statements::find_statement)
            .collect::<Result<_, _>>()?,
    };
    read_http(&mut http, subject, page).await?;
    read_statements(&mut bare, subject).await?;
    let mut reads = HealthReads::default();
    for _ in 0..flags.rounds {
        let before = processes.cpu_time()?;
        let mut side = ReadTurn::begin();
        while side.goes_on() {
            let (latency, bytes) = read_http(&mut http, subject, page).await?;
            reads.http.latencies.push(latency);
            reads.answer_bytes = bytes;
        }
        let after_http = processes.cpu_time()?;
        let mut side = ReadTurn::begin();
        while side.goes_on() {
            let latency = read_statements(&mut bare, subject).await?;
            reads.statements.latencies.push(latency);
        }
        let between = processes.cpu_time()?;
        let mut side = ReadTurn::begin();
        while side.goes_on() {
            let latency = read_bare(&mut bare, subject).await?;
            reads.bare.latencies.push(latency);
        }
        let after = processes.cpu_time()?;
        reads.http.cpu = reads.http.cpu.plus(after_http.since(before));
        reads.statements.cpu = reads.statements.cpu.plus(between.since(after_http));
        reads.bare.cpu = reads.bare.cpu.plus(after.since(between));
    }
    reads.http.latencies.sort_unstable();
    reads.statements.latencies.sort_unstable();
    reads.bare.latencies.sort_unstable();
    Ok(reads)
}

/// The part of one side in a round: it lasts for [`READS`] reads and for [`A_SIDE`] at least.
pub(crate) struct ReadTurn {
    since: Instant,
    reads: usize,
}

impl ReadTurn {
    pub(crate) fn begin() -> Self {
        Self {
            since: Instant::now(),
            reads: 0,
        }
    }

    /// Counts a read; returns `false` once there were enough reads.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.reads += 1;
        self.reads <= READS || self.since.elapsed() < A_SIDE
    }
}

async fn read_http(
    connection: &mut HttpConnection,
    subject: &ReadWorkspace,
    page: usize,
) -> anyhow::Result<(Duration, usize)> {
    #[derive(Deserialize)]
    struct AnsweredHealth {
        devices: Vec<AnsweredDevice>,
    }
    #[derive(Deserialize)]
    struct AnsweredDevice {
        #[serde(rename = "last_update_received_at")]
        _last_update_received_at: DateTime<Utc>,
        #[serde(flatten)]
        _rest: IgnoredAny,
    }
    let path = format!(
        "/api/telematics-mvp/workspaces/{}/health?limit={page}",
        subject.workspace
    );
    let (body, latency) = connection.get(&path).await?;
    let answer: AnsweredHealth = serde_json::from_slice(&body)?;
    ensure!(
        answer.devices.len() == page,
        "an answer of health has {} devices instead of {}",
        answer.devices.len(),
        page
    );
    Ok((latency, body.len()))
}

/// A database connection, and the service's statements.
struct StatementReader {
    connection: PgConnection,
    rows: String,
    besides: Vec<String>,
}

/// Runs all statements of the service; returns how long they took.
async fn read_statements(
    bare: &mut StatementReader,
    subject: &ReadWorkspace,
) -> anyhow::Result<Duration> {
    let since = Instant::now();
    for statement in &bare.besides {
        sqlx::query(AssertSqlSafe(statement.as_str()))
            .bind(subject.workspace)
            .fetch_all(&mut bare.connection)
            .await?;
    }
    let besides = since.elapsed();
    Ok(besides + read_bare(bare, subject).await?)
}

/// Runs the devices' statement alone; returns how long it took.
async fn read_bare(
    bare: &mut StatementReader,
    subject: &ReadWorkspace,
) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let rows: Vec<HealthRow> = sqlx::query_as(AssertSqlSafe(bare.rows.as_str()))
        .bind(subject.workspace)
        .fetch_all(&mut bare.connection)
        .await?;
    let latency = since.elapsed();
    let reporting = rows.iter().filter(|row| row.5.is_some()).count();
    ensure!(
        reporting == subject.devices,
        "{reporting} rows have an update instead of {}",
        subject.devices
    );
    Ok(latency)
}
