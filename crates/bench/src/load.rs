//! The load: clients that send one after the other.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::task::JoinSet;

use crate::fleet::{BenchFleet, BenchWorkspace};

/// What is to be sent next.
#[derive(Clone, Copy)]
pub(crate) struct SendTurn<'w> {
    pub(crate) workspace: &'w BenchWorkspace,
    /// How often this workspace had its turn before.
    pub(crate) number: usize,
    /// Later than any before.
    pub(crate) observed_at: DateTime<Utc>,
}

/// Sends updates of a workspace, one way or the other.
pub(crate) trait Client: Send + 'static {
    /// Returns the number of updates, once every one of them was answered as it must be.
    ///
    /// # Errors
    /// When one was not.
    fn send(&mut self, turn: SendTurn<'_>) -> impl Future<Output = anyhow::Result<usize>> + Send;
}

/// What a span of load came to.
#[derive(Default)]
pub(crate) struct SentLoad {
    pub(crate) elapsed: Duration,
    pub(crate) updates: usize,
    /// How long each request took, the shortest first.
    pub(crate) latencies: Vec<Duration>,
}

/// Sends for that long, and for each workspace at least `times`; returns when all are answered.
///
/// # Errors
/// As soon as one request fails.
pub(crate) async fn drive<C: Client>(
    clients: &mut Vec<C>,
    fleet: &BenchFleet,
    span: Duration,
    times: usize,
) -> anyhow::Result<SentLoad> {
    let (since, count) = (Instant::now(), clients.len());
    let mut sending = JoinSet::new();
    for (number, client) in clients.drain(..).enumerate() {
        let fleet = fleet.clone();
        sending.spawn(async move {
            let own = fleet.workspaces_of_client(number, count);
            send_until(client, &own, since + span, times * own.len()).await
        });
    }
    let mut sent = SentLoad::default();
    while let Some(done) = sending.join_next().await {
        let (client, own) = done??;
        clients.push(client);
        sent.updates += own.updates;
        sent.latencies.extend(own.latencies);
    }
    sent.elapsed = since.elapsed();
    sent.latencies.sort_unstable();
    Ok(sent)
}

async fn send_until<C: Client>(
    mut client: C,
    own: &[&BenchWorkspace],
    deadline: Instant,
    at_least: usize,
) -> anyhow::Result<(C, SentLoad)> {
    let clock = Clock::system();
    let mut sent = SentLoad::default();
    for (count, workspace) in own.iter().cycle().enumerate() {
        let start = Instant::now();
        if start >= deadline && count >= at_least {
            break;
        }
        let turn = SendTurn {
            workspace,
            number: count / own.len(),
            observed_at: clock.now(),
        };
        sent.updates += client.send(turn).await?;
        sent.latencies.push(start.elapsed());
    }
    Ok((client, sent))
}

/// The latency that this share of all did not exceed.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
