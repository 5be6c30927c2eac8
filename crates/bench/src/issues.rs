//! The measurement of reading the issues of a workspace of a thousand devices, half of which are silent.

use std::time::Duration;

use anyhow::ensure;
use serde::Deserialize;

use crate::BenchFlags;
use crate::cpu::Processes;
use crate::database::BenchDatabase;
use crate::health::{ReadWorkspace, Reads};
use crate::http::HttpConnection;
use crate::service::Service;

const SUBJECT: ReadWorkspace = ReadWorkspace {
    workspace: "bench-talk-00001",
    devices: 1_000,
};
const SILENT: usize = SUBJECT.devices / 2;

/// The number of reads in a round.
const READS: u32 = 40;

/// The statement that moves the last update of every other device an hour back.
const SILENCE: &str = "
    UPDATE snapshots SET last_update_received_at = last_update_received_at - interval '1 hour'
    WHERE workspace_id = $1 AND right(device_id, 1)::integer % 2 = 0";

/// Writes a workspace in which every other device has been silent for an hour, and reads its issues over one
/// connection; returns the reads and the size of an answer.
///
/// # Errors
/// If an answer does not list exactly the silent devices.
pub(crate) async fn measure(
    flags: &BenchFlags,
    signals: &str,
    service: &Service,
    database: &BenchDatabase,
    processes: &Processes,
) -> anyhow::Result<(Reads, usize)> {
    SUBJECT.fill(database, signals).await?;
    let silenced = sqlx::query(SILENCE)
        .bind(SUBJECT.workspace)
        .execute(&mut database.connect().await?)
        .await?
        .rows_affected();
    ensure!(
        silenced == SILENT as u64,
        "{silenced} devices were silenced instead of {SILENT}"
    );
    database.settle().await?;
    let mut http = service.as_machine().await?;
    let (_, bytes) = read(&mut http).await?;
    let mut reads = Reads::default();
    let before = processes.cpu_time()?;
    for _ in 0..READS * flags.rounds {
        reads.latencies.push(read(&mut http).await?.0);
    }
    reads.cpu = processes.cpu_time()?.since(before);
    reads.latencies.sort_unstable();
    Ok((reads, bytes))
}

async fn read(connection: &mut HttpConnection) -> anyhow::Result<(Duration, usize)> {
    #[derive(Deserialize)]
    struct AnsweredIssues {
        issues: Vec<AnsweredIssue>,
    }
    #[derive(Deserialize)]
    struct AnsweredIssue {
        impacted_count: usize,
    }
    let path = format!(
        "/api/telematics-mvp/workspaces/{}/issues",
        SUBJECT.workspace
    );
    let (body, latency) = connection.get(&path).await?;
    let answer: AnsweredIssues = serde_json::from_slice(&body)?;
    let impacted: usize = answer.issues.iter().map(|issue| issue.impacted_count).sum();
    ensure!(
        impacted == SILENT,
        "the issues name {impacted} devices instead of {SILENT}"
    );
    Ok((latency, body.len()))
}
