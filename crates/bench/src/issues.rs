//! The issues of a workspace of a thousand devices, half of which are silent.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use clock::Clock;
use hyper::{Method, StatusCode};
use serde::Deserialize;

use crate::Flags;
use crate::cpu::Processes;
use crate::database::Database;
use crate::fleet::Workspace;
use crate::health::Reads;
use crate::http::{HttpConnection, excerpt};
use crate::ingest::HttpClient;
use crate::load::Client as _;
use crate::service::Service;

const WORKSPACE: &str = "bench-issues";
const DEVICES: usize = 1000;
const SILENT: usize = DEVICES / 2;

/// Reads of a round.
const READS: usize = 40;

/// Every other device was last heard of an hour ago.
const SILENCE: &str = "
    UPDATE snapshots SET last_update_received_at = last_update_received_at - interval '1 hour'
    WHERE workspace_id = $1 AND right(device_id, 1)::integer % 2 = 0";

/// Registers the workspace, gives each device an update, and half of them a past.
///
/// # Errors
/// When the service or the database refuses.
pub(crate) async fn fill(service: &Service, database: &Database) -> anyhow::Result<()> {
    let workspace = Workspace::new(WORKSPACE, 0, DEVICES);
    workspace.register(service).await?;
    let mut client = HttpClient(service.as_machine().await?);
    client.send(&workspace, Clock::system().now()).await?;
    let silenced = sqlx::query(SILENCE)
        .bind(WORKSPACE)
        .execute(&mut database.connect().await?)
        .await?;
    ensure!(
        silenced.rows_affected() == SILENT as u64,
        "{} devices of {SILENT} were silenced",
        silenced.rows_affected()
    );
    Ok(())
}

/// Reads them over one connection, after a warm-up; answers how long that took, and an answer's bytes.
///
/// # Errors
/// When an answer does not list the silent devices and no others.
pub(crate) async fn measure(
    flags: &Flags,
    service: &Service,
    processes: &Processes,
) -> anyhow::Result<(Reads, usize)> {
    let mut http = service.as_machine().await?;
    let (_, bytes) = read(&mut http).await?;
    let mut reads = Reads::default();
    let before = processes.cpu_time()?;
    for _ in 0..READS * flags.rounds as usize {
        reads.latencies.push(read(&mut http).await?.0);
    }
    reads.cpu = processes.cpu_time()?.since(before);
    reads.latencies.sort_unstable();
    Ok((reads, bytes))
}

async fn read(connection: &mut HttpConnection) -> anyhow::Result<(Duration, usize)> {
    #[derive(Deserialize)]
    struct Answer {
        issues: Vec<Issue>,
    }
    #[derive(Deserialize)]
    struct Issue {
        impacted_count: usize,
    }
    let path = format!("/api/telematics-mvp/workspaces/{WORKSPACE}/issues");
    let since = Instant::now();
    let (status, body) = connection.send(Method::GET, &path, Bytes::new()).await?;
    let latency = since.elapsed();
    ensure!(
        status == StatusCode::OK,
        "issues were answered {status}: {}",
        excerpt(&body)
    );
    let answer: Answer = serde_json::from_slice(&body)?;
    let impacted: usize = answer.issues.iter().map(|issue| issue.impacted_count).sum();
    ensure!(
        impacted == SILENT,
        "issues name {impacted} devices of {SILENT}"
    );
    Ok((latency, body.len()))
}
