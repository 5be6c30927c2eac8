//! The load: clients that send batch after batch, each for workspaces of its own.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::task::JoinSet;

use crate::fleet::{Fleet, Workspace};

/// Sends a workspace's batch, one way or the other.
pub(crate) trait Client: Send + 'static {
    /// Returns once every update of the batch was accepted.
    ///
    /// # Errors
    /// When one was not.
    fn send(
        &mut self,
        workspace: &Workspace,
        observed_at: DateTime<Utc>,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// What a span of load came to.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) elapsed: Duration,
    /// How long each batch took, the shortest first.
    pub(crate) latencies: Vec<Duration>,
}

/// Sends for that long, and each workspace's batch at least `times`; returns when all are answered.
///
/// # Errors
/// As soon as one batch fails.
pub(crate) async fn drive<C: Client>(
    clients: &mut Vec<C>,
    fleet: &Fleet,
    span: Duration,
    times: usize,
) -> anyhow::Result<Sent> {
    let (since, count) = (Instant::now(), clients.len());
    let mut sending = JoinSet::new();
    for (number, client) in clients.drain(..).enumerate() {
        let fleet = fleet.clone();
        sending.spawn(async move {
            let own: Vec<&Workspace> = fleet.0.iter().skip(number).step_by(count).collect();
            send_until(client, &own, since + span, times * own.len()).await
        });
    }
    let mut sent = Sent::default();
    while let Some(done) = sending.join_next().await {
        let (client, latencies) = done??;
        clients.push(client);
        sent.latencies.extend(latencies);
    }
    sent.elapsed = since.elapsed();
    sent.latencies.sort_unstable();
    Ok(sent)
}

async fn send_until<C: Client>(
    mut client: C,
    own: &[&Workspace],
    deadline: Instant,
    at_least: usize,
) -> anyhow::Result<(C, Vec<Duration>)> {
    let clock = Clock::system();
    let mut latencies = Vec::new();
    for workspace in own.iter().cycle() {
        let start = Instant::now();
        if start >= deadline && latencies.len() >= at_least {
            break;
        }
        client.send(workspace, clock.now()).await?;
        latencies.push(start.elapsed());
    }
    Ok((client, latencies))
}

/// The latency that this share of all did not exceed.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
