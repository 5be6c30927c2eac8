//! The query that computes how well a workspace is served, over windows that end now.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::WorkspaceId;
use domain::indicators::{FreshTime, SlotCounts, Window, percent_of, percentile};
use persistence::indicators::{LatestUpdate, SlotRecord, WindowSums};
use telemetry::metrics;

use crate::Core;
use crate::queries::{QueryError, get_workspace};

/// Three nearest ranks of some spans of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// The span that half of the spans do not exceed.
    pub p50: TimeDelta,
    /// The span that 95 in a hundred do not exceed.
    pub p95: TimeDelta,
    /// The span that 99 in a hundred do not exceed.
    pub p99: TimeDelta,
}

/// The delays with which cycles started after they were due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartDeviation {
    /// The delay that half of the cycles do not exceed.
    pub p50: TimeDelta,
    /// The delay that 95 in a hundred cycles do not exceed.
    pub p95: TimeDelta,
    /// The longest delay.
    pub max: TimeDelta,
}

/// The figures of one window. A figure that there is no data for is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowIndicators {
    /// The window.
    pub window: Window,
    /// The slots of the window by outcome.
    pub slots: SlotCounts,
    /// The ages of the devices' latest updates, now.
    pub age: Option<Percentiles>,
    /// The lags of the devices' latest updates.
    pub lag: Option<Percentiles>,
    /// The delays of the cycles of the window's slots.
    pub start_deviation: Option<StartDeviation>,
    /// The share of polled devices that the providers' answers named.
    pub coverage_percent: Option<f64>,
    /// The share of the devices' time in which they were fresh (NFR-001).
    pub within_5_minutes_percent: Option<f64>,
}

/// Computes a workspace's indicators as of `now`, window by window, the shortest first.
/// [`domain::indicators::DEFINITIONS`] says what they count.
///
/// # Errors
/// [`QueryError::NotFound`] for an unknown workspace; [`QueryError::Storage`].
pub async fn compute_indicators(
    core: &Core,
    workspace_id: &WorkspaceId,
    now: DateTime<Utc>,
) -> Result<Vec<WindowIndicators>, QueryError> {
    let mut measured = metrics::query("indicators");
    let record = get_workspace(core, workspace_id).await?;
    let (slots, sums, updates) = tokio::try_join!(
        core.store
            .slot_records(workspace_id, Window::LONGEST.start(now), now),
        core.store.window_sums(workspace_id, now),
        core.store.latest_updates(workspace_id),
    )?;
    measured.about_devices(updates.len());
    let since_last_cycle = if record.workspace.polled_since().is_some() {
        core.store
            .fresh_time_since_last_cycle(workspace_id, now)
            .await?
    } else {
        FreshTime::default()
    };
    let (age, lag) = (ages(&updates, now), lags(&updates));
    let of_window = |sums: WindowSums| {
        let mut fresh = sums.fresh;
        fresh += since_last_cycle;
        let start = sums.window.start(now);
        let slots = || slots.iter().filter(|record| record.slot > start);
        WindowIndicators {
            window: sums.window,
            slots: count_slots(slots()),
            age,
            lag,
            start_deviation: start_deviation(slots()),
            coverage_percent: percent_of(sums.polled.returned, sums.polled.expected),
            within_5_minutes_percent: fresh.percent(),
        }
    };
    Ok(sums.into_iter().map(of_window).collect())
}

/// Counts slots by outcome.
fn count_slots<'s>(slots: impl Iterator<Item = &'s SlotRecord>) -> SlotCounts {
    let mut counts = SlotCounts::default();
    for record in slots {
        counts.count(record.outcome);
    }
    counts
}

/// Computes how late the cycles of slots started.
fn start_deviation<'s>(slots: impl Iterator<Item = &'s SlotRecord>) -> Option<StartDeviation> {
    let late = slots
        .filter_map(|record| record.started)
        .map(|(due_at, started_at)| not_negative(started_at - due_at));
    let late = sorted(late);
    Some(StartDeviation {
        p50: percentile(&late, 50)?,
        p95: percentile(&late, 95)?,
        max: *late.last()?,
    })
}

/// Computes percentiles of the ages of updates, from their acceptance until `now`.
fn ages(updates: &[LatestUpdate], now: DateTime<Utc>) -> Option<Percentiles> {
    percentiles(updates.iter().map(|update| now - update.received_at))
}

/// Computes percentiles of the lags of updates, from their observation to their acceptance.
fn lags(updates: &[LatestUpdate]) -> Option<Percentiles> {
    percentiles(
        updates
            .iter()
            .map(|update| update.received_at - update.observed_at),
    )
}

fn percentiles(values: impl Iterator<Item = TimeDelta>) -> Option<Percentiles> {
    let values = sorted(values.map(not_negative));
    Some(Percentiles {
        p50: percentile(&values, 50)?,
        p95: percentile(&values, 95)?,
        p99: percentile(&values, 99)?,
    })
}

/// Replaces a negative span by zero, since the clocks of machines differ a little.
fn not_negative(delta: TimeDelta) -> TimeDelta {
    delta.max(TimeDelta::zero())
}

fn sorted(values: impl Iterator<Item = TimeDelta>) -> Vec<TimeDelta> {
    let mut values: Vec<TimeDelta> = values.collect();
    values.sort_unstable();
    values
}
