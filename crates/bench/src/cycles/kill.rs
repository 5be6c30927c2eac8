//! The kill of one instance in the middle of its poll cycles.

use std::time::Duration;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::time::{Instant, sleep};

use super::fleet::PolledFleet;
use super::simulator::SimulatorProcess;
use crate::service::Service;

/// The number of accounts that hang at the kill, so that cycles are under way.
const HANGING: usize = 50;
/// The number of hanging cycles, over both instances, before the kill.
const UNDER_WAY: u64 = 10;
/// How long to wait until that many cycles hang.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kills an instance at that time, or as soon after it as enough cycles hang; returns the time of the kill.
///
/// # Errors
/// If too few cycles hang, or the simulated provider refuses a request.
pub(super) async fn kill_instance(
    service: Service,
    fleet: &PolledFleet,
    simulator: &SimulatorProcess,
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
        ensure!(
            since.elapsed() < PATIENCE,
            "fewer than {UNDER_WAY} cycles hang after {} s: the service polls too few accounts",
            PATIENCE.as_secs()
        );
        sleep(Duration::from_millis(50)).await;
    }
    service.stop().await?;
    let killed_at = clock.now();
    for id in hanging {
        simulator.stop_hanging(id).await?;
    }
    Ok(killed_at)
}
