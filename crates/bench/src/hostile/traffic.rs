//! The traffic: requests that are sent at their times, whether or not earlier requests are answered.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attempt::Outcome;
use super::kinds::{self, TrafficKind};
use super::sender::Sender;
use super::stage::Stage;

/// The largest number of unanswered requests: far more than a service that keeps up leaves unanswered.
const UNDER_WAY_AT_MOST: usize = 1_000;

/// The rate, the length and the seed of the traffic.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Requests per second.
    pub(crate) rate: u32,
    pub(crate) span: Duration,
    pub(crate) seed: u64,
}

/// One attempt with its outcome and its times.
pub(crate) struct SentAttempt {
    pub(crate) kind: &'static TrafficKind,
    pub(crate) outcome: Outcome,
    /// When the attempt was due, counted from the start of the traffic.
    pub(crate) after: Duration,
    /// How long the attempt took, counted from when it was due, so that a delayed start counts.
    pub(crate) took: Duration,
}

/// Sends the traffic and returns when every attempt has an outcome.
///
/// # Errors
/// If the service falls so far behind that requests could no longer be sent at the rate asked for.
pub(crate) async fn send(
    stage: &Arc<Stage>,
    sender: &Arc<Sender>,
    pace: Pace,
) -> anyhow::Result<Vec<SentAttempt>> {
    let mut chance = ChaCha8Rng::seed_from_u64(pace.seed);
    let turns = Arc::new(Semaphore::new(UNDER_WAY_AT_MOST));
    let (start, mut sending) = (Instant::now(), JoinSet::new());
    let mut sent = Vec::new();
    for number in 0.. {
        let after = Duration::from_secs(1) * number / pace.rate;
        if after >= pace.span {
            break;
        }
        let due = start + after;
        sleep_until(due).await;
        while let Some(done) = sending.try_join_next() {
            sent.push(done?);
        }
        let Ok(turn) = Arc::clone(&turns).try_acquire_owned() else {
            bail!("the service does not keep up: {UNDER_WAY_AT_MOST} requests wait for an answer");
        };
        let kind = kinds::pick(&mut chance);
        let attempt = (kind.make)(stage, &mut chance);
        let sender = Arc::clone(sender);
        sending.spawn(async move {
            let outcome = sender.attempt(attempt).await;
            drop(turn);
            let took = due.elapsed();
            SentAttempt {
                kind,
                outcome,
                after,
                took,
            }
        });
    }
    while let Some(done) = sending.join_next().await {
        sent.push(done?);
    }
    Ok(sent)
}
