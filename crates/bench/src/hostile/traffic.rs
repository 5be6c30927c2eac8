//! The traffic: requests at their times, whether or not earlier ones are answered.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::attempt::Outcome;
use super::kinds::{self, TrafficKind};
use super::sender::Sender;
use super::stage::Stage;

/// Under way at once, at most: far more than a service that keeps up leaves unanswered.
const UNDER_WAY_AT_MOST: usize = 1_000;

/// How much of it.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// A second.
    pub(crate) rate: u32,
    pub(crate) span: Duration,
    pub(crate) seed: u64,
}

/// One attempt, done.
pub(crate) struct SentAttempt {
    pub(crate) kind: &'static TrafficKind,
    pub(crate) outcome: Outcome,
    /// When it was due, from the start.
    pub(crate) after: Duration,
    /// From when it was due, so that a wait for its turn counts.
    pub(crate) took: Duration,
}

/// Sends, and returns when all is answered or given up.
///
/// # Errors
/// When the service falls so far behind that the traffic would no longer be what was asked for.
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
            ensure!(false, "{UNDER_WAY_AT_MOST} requests wait for an answer");
            continue;
        };
        let kind = kinds::pick(&mut chance);
        let attempt = (kind.make)(stage, &mut chance);
        let sender = Arc::clone(sender);
        sending.spawn(async move {
            let outcome = sender.make(attempt).await;
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
