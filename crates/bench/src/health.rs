//! The health of a workspace, against the rows that it is computed from.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::Flags;
use crate::cpu::{CpuTime, Processes};
use crate::database::Database;
use crate::fill::Fill;
use crate::http::{HttpConnection, excerpt};
use crate::service::Service;
use crate::statements;

/// Rows of an answer: what it has where nobody says how many, and at most.
pub(crate) const PAGE: usize = 100;
pub(crate) const LONGEST_PAGE: usize = 1000;

/// Time that each side reads for in a round, at least; and at least so many reads.
const A_SIDE: Duration = Duration::from_millis(300);
const READS: usize = 10;

/// Devices with what is held of them, signals left out.
const ROWS: &str = "health: devices";

/// What the service reads besides: the workspace, its connections with their latest polls, and the
/// devices that their provider's latest answer lacked or that had updates refused.
const BESIDES: [&str; 3] = [
    "workspaces: one",
    "health: connections and their latest polls",
    "health: absent devices, and refused updates",
];

type Row = (
    String,
    String,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// One side's reads.
#[derive(Default)]
pub(crate) struct Reads {
    /// The shortest first.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) cpu: CpuTime,
}

impl Reads {
    /// One more.
    pub(crate) fn add(&mut self, latency: Duration, cpu: CpuTime) {
        self.latencies.push(latency);
        self.cpu = self.cpu.plus(cpu);
    }
}

/// All sides' reads.
#[derive(Default)]
pub(crate) struct HealthReads {
    pub(crate) http: Reads,
    /// The same statements, one after the other.
    pub(crate) statements: Reads,
    /// The devices' statement alone.
    pub(crate) bare: Reads,
    /// Of an answer.
    pub(crate) answer_bytes: usize,
}

/// A workspace that is read.
pub(crate) struct Subject {
    /// Its id.
    pub(crate) workspace: &'static str,
    /// Its size.
    pub(crate) devices: usize,
}

impl Subject {
    /// Writes the workspace into the tables, with an update of each device.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub(crate) async fn fill(&self, database: &Database, signals: &str) -> anyhow::Result<()> {
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
/// When an answer lacks a device.
pub(crate) async fn measure(
    flags: &Flags,
    (subject, page): (&Subject, usize),
    service: &Service,
    database: &Database,
    processes: &Processes,
) -> anyhow::Result<HealthReads> {
    let mut http = service.as_machine().await?;
    let mut bare = Bare {
        connection: database.connect().await?,
        rows: statements::named(ROWS)?,
        besides: BESIDES
            .into_iter()
            .map(statements::named)
            .collect::<Result<_, _>>()?,
    };
    read_http(&mut http, subject, page).await?;
    read_statements(&mut bare, subject).await?;
    let mut reads = HealthReads::default();
    for _ in 0..flags.rounds {
        let before = processes.cpu_time()?;
        let mut side = Turn::begin();
        while side.goes_on() {
            let (latency, bytes) = read_http(&mut http, subject, page).await?;
            reads.http.latencies.push(latency);
            reads.answer_bytes = bytes;
        }
        let after_http = processes.cpu_time()?;
        let mut side = Turn::begin();
        while side.goes_on() {
            let latency = read_statements(&mut bare, subject).await?;
            reads.statements.latencies.push(latency);
        }
        let between = processes.cpu_time()?;
        let mut side = Turn::begin();
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

/// One side's part of a round.
pub(crate) struct Turn {
    since: Instant,
    reads: usize,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        Self {
            since: Instant::now(),
            reads: 0,
        }
    }

    /// Counts another read, unless there were enough.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.reads += 1;
        self.reads <= READS || self.since.elapsed() < A_SIDE
    }
}

async fn read_http(
    connection: &mut HttpConnection,
    subject: &Subject,
    page: usize,
) -> anyhow::Result<(Duration, usize)> {
    #[derive(Deserialize)]
    struct Answer {
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
    let since = Instant::now();
    let (status, body) = connection.send(Method::GET, &path, Bytes::new()).await?;
    let latency = since.elapsed();
    ensure!(
        status == StatusCode::OK,
        "health was answered {status}: {}",
        excerpt(&body)
    );
    let answer: Answer = serde_json::from_slice(&body)?;
    ensure!(
        answer.devices.len() == page,
        "health has {} devices of {}",
        answer.devices.len(),
        page
    );
    Ok((latency, body.len()))
}

/// A connection, and the service's statements.
struct Bare {
    connection: PgConnection,
    rows: String,
    besides: Vec<String>,
}

async fn read_statements(bare: &mut Bare, subject: &Subject) -> anyhow::Result<Duration> {
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

async fn read_bare(bare: &mut Bare, subject: &Subject) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(bare.rows.as_str()))
        .bind(subject.workspace)
        .fetch_all(&mut bare.connection)
        .await?;
    let latency = since.elapsed();
    let reporting = rows.iter().filter(|row| row.5.is_some()).count();
    ensure!(
        reporting == subject.devices,
        "{reporting} rows of {} have an update",
        subject.devices
    );
    Ok(latency)
}
