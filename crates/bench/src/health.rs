//! The health of a workspace of a thousand devices, against the rows that it is computed from.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use clock::Clock;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use crate::Flags;
use crate::cpu::{CpuTime, Processes};
use crate::database::Database;
use crate::fleet::Workspace;
use crate::http::{HttpConnection, excerpt};
use crate::ingest::HttpClient;
use crate::load::Client as _;
use crate::service::Service;

const WORKSPACE: &str = "bench-health";
const DEVICES: usize = 1000;

/// Reads of each side, a round.
const READS: usize = 40;

/// Devices with what is held of them, signals left out.
const ROWS: &str = "
    SELECT d.device_id, d.vehicle_id, d.provider_id, d.configured_at, d.activated_at,
           s.last_update_received_at, s.newest_observed_at
    FROM devices d
    LEFT JOIN snapshots s ON s.workspace_id = $1 AND s.device_id = d.device_id AND s.activation_id = d.activation_id
    WHERE d.workspace_id = $1 AND d.active
    ORDER BY d.device_id";

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

/// Both sides' reads.
#[derive(Default)]
pub(crate) struct HealthReads {
    pub(crate) http: Reads,
    pub(crate) bare: Reads,
    /// Of an answer.
    pub(crate) answer_bytes: usize,
}

/// Registers the workspace and gives each device an update.
///
/// # Errors
/// When the service refuses.
pub(crate) async fn fill(service: &Service) -> anyhow::Result<()> {
    let workspace = Workspace::new(WORKSPACE, 0, DEVICES);
    workspace.register(service).await?;
    let mut client = HttpClient(service.as_machine().await?);
    client.send(&workspace, Clock::system().now()).await
}

/// Measures both sides by turns, after a warm-up.
///
/// # Errors
/// When an answer lacks a device.
pub(crate) async fn measure(
    flags: &Flags,
    service: &Service,
    database: &Database,
    processes: &Processes,
) -> anyhow::Result<HealthReads> {
    let mut http = service.as_machine().await?;
    let mut bare = database.connect().await?;
    read_http(&mut http).await?;
    read_bare(&mut bare).await?;
    let mut reads = HealthReads::default();
    for _ in 0..flags.rounds {
        let before = processes.cpu_time()?;
        for _ in 0..READS {
            let (latency, bytes) = read_http(&mut http).await?;
            reads.http.latencies.push(latency);
            reads.answer_bytes = bytes;
        }
        let between = processes.cpu_time()?;
        for _ in 0..READS {
            reads.bare.latencies.push(read_bare(&mut bare).await?);
        }
        let after = processes.cpu_time()?;
        reads.http.cpu = reads.http.cpu.plus(between.since(before));
        reads.bare.cpu = reads.bare.cpu.plus(after.since(between));
    }
    reads.http.latencies.sort_unstable();
    reads.bare.latencies.sort_unstable();
    Ok(reads)
}

async fn read_http(connection: &mut HttpConnection) -> anyhow::Result<(Duration, usize)> {
    #[derive(Deserialize)]
    struct Answer {
        devices: Vec<Device>,
    }
    #[derive(Deserialize)]
    struct Device {
        #[serde(rename = "last_update_received_at")]
        _last_update_received_at: DateTime<Utc>,
        #[serde(flatten)]
        _rest: IgnoredAny,
    }
    let path = format!("/api/telematics-mvp/workspaces/{WORKSPACE}/health?limit={DEVICES}");
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
        answer.devices.len() == DEVICES,
        "health has {} devices of {DEVICES}",
        answer.devices.len()
    );
    Ok((latency, body.len()))
}

async fn read_bare(connection: &mut PgConnection) -> anyhow::Result<Duration> {
    let since = Instant::now();
    let rows: Vec<Row> = sqlx::query_as(ROWS)
        .bind(WORKSPACE)
        .fetch_all(connection)
        .await?;
    let latency = since.elapsed();
    let reporting = rows.iter().filter(|row| row.5.is_some()).count();
    ensure!(
        reporting == DEVICES,
        "{reporting} rows of {DEVICES} have an update"
    );
    Ok(latency)
}
