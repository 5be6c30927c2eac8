//! Snapshots, with the age and freshness of each signal.

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::Policy;
use domain::health::{DeviceFacts, SignalFreshness, evaluate, signal_freshness};
use domain::ids::{DeviceId, WorkspaceId};
use domain::signals::{DropReason, Reading, Signal};
use persistence::fleet::DeviceFilter;
use persistence::snapshots::SnapshotRow;
use persistence::{Page, StorageError};

use crate::Core;

/// A device's snapshot at an instant.
#[derive(Clone, Debug)]
pub struct DeviceSnapshot {
    /// What is stored.
    pub row: SnapshotRow,
    /// Held signals, in the catalogue's order.
    pub signals: Vec<SnapshotSignal>,
    /// Signals of the catalogue that are not held.
    pub absent: Vec<AbsentSignal>,
}

/// A held signal.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotSignal {
    /// Which.
    pub signal: Signal,
    /// Value and time.
    pub reading: Reading,
    /// Since it was observed; never negative.
    pub age: TimeDelta,
    /// What that means.
    pub freshness: SignalFreshness,
}

/// A signal that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsentSignal {
    /// Which.
    pub signal: Signal,
    /// `never_reported`, or why it was dropped when it last came.
    pub reason: &'static str,
}

/// Snapshots of a page of active devices, in order of id.
///
/// # Errors
/// When the store fails.
pub async fn device_snapshots(
    core: &Core,
    workspace_id: &WorkspaceId,
    policy: Policy,
    filter: &DeviceFilter,
    page: &Page,
    now: DateTime<Utc>,
) -> Result<Vec<DeviceSnapshot>, StorageError> {
    let _measured = telemetry::metrics::query("snapshots");
    let rows = core.store.snapshots(workspace_id, filter, page).await?;
    Ok(rows
        .into_iter()
        .map(|row| of_row(row, policy, now))
        .collect())
}

/// One active device's snapshot.
///
/// # Errors
/// When the store fails.
pub async fn device_snapshot(
    core: &Core,
    workspace_id: &WorkspaceId,
    policy: Policy,
    device_id: &DeviceId,
    now: DateTime<Utc>,
) -> Result<Option<DeviceSnapshot>, StorageError> {
    let _measured = telemetry::metrics::query("snapshot");
    let row = core.store.snapshot(workspace_id, device_id).await?;
    Ok(row.map(|row| of_row(row, policy, now)))
}

fn of_row(row: SnapshotRow, policy: Policy, now: DateTime<Utc>) -> DeviceSnapshot {
    let facts = DeviceFacts {
        activated_at: row.activated_at,
        last_update_received_at: row.last_update_received_at,
        newest_observed_at: row.newest_observed_at,
        declared_interval_minutes: row.declared_interval_minutes,
    };
    let health = evaluate(&facts, policy, now);
    let (mut signals, mut absent) = (Vec::new(), Vec::new());
    for signal in Signal::all() {
        if let Some(reading) = row.held.readings.get(signal) {
            let (age, freshness) = signal_freshness(reading.observed_at, &health, now);
            signals.push(SnapshotSignal {
                signal,
                reading: *reading,
                age,
                freshness,
            });
        } else {
            let dropped = row.held.drops.get(signal);
            let reason = dropped.map_or("never_reported", DropReason::as_str);
            absent.push(AbsentSignal { signal, reason });
        }
    }
    DeviceSnapshot {
        row,
        signals,
        absent,
    }
}
