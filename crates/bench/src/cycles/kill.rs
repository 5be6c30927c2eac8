//! Killing an instance in the middle of cycles.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;
use super::simulator::Simulator;
use crate::service::Service;

/// Accounts that hang meanwhile, so that cycles are under way.
const HANGING: usize = 50;
/// Cycles that are under way then, at both instances.
const UNDER_WAY: u64 = 10;
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills it at that time, or as soon after it as cycles hang; answers when.
///
/// # Errors
/// When none come to hang, or the provider does not do as it is told.
pub(super) async fn one(
    service: Service,
    fleet: &Fleet,
    simulator: &Simulator,
    clock: &Clock,
    at: DateTime<Utc>,
) -> anyhow::Result<DateTime<Utc>> {
    clock.sleep_until(at).await;
    let hanging = &fleet.ids[..HANGING];
    for id in hanging {
        simulator.hang(id).await?;
    }
    let since = Instant::now();
    while simulator.in_flight().await? < UNDER_WAY {
        ensure!(since.elapsed() < PATIENCE, "no cycles come to hang");
        sleep(Duration::from_millis(50)).await;
    }
    service.stop().await?;
    let killed_at = clock.now();
    for id in hanging {
        simulator.answer(id).await?;
    }
    Ok(killed_at)
}
