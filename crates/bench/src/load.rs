//! The load: clients that each send one request after the other.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::task::JoinSet;

use crate::fleet::{BenchFleet, BenchWorkspace};

/// The next send of a client: the workspace, and the time of its readings.
#[derive(Clone, Copy)]
pub(crate) struct SendTurn<'w> {
    pub(crate) workspace: &'w BenchWorkspace,
    /// How often the client has sent for this workspace before.
    pub(crate) number: usize,
    /// The time of the readings, later than all before.
    pub(crate) observed_at: DateTime<Utc>,
}

/// A client that sends updates of a workspace.
pub(crate) trait Client: Send + 'static {
    /// Sends updates and returns their number, once each update got the right answer.
    ///
    /// # Errors
    /// If an update got a wrong answer.
    fn send(&mut self, turn: SendTurn<'_>) -> impl Future<Output = anyhow::Result<usize>> + Send;
}

/// The result of a span of load.
#[derive(Default)]
pub(crate) struct SentLoad {
    pub(crate) elapsed: Duration,
    pub(crate) updates: usize,
    /// The latencies of the requests, the shortest first.
    pub(crate) latencies: Vec<Duration>,
}

/// Lets all clients send for a span of time, and at least `times` for each workspace; returns when every
/// request is answered.
///
/// # Errors
/// If a request fails; the other clients are then stopped.
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

/// Returns the latency that this share of all latencies does not exceed.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
