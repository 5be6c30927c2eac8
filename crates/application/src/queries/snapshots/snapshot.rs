//! The snapshot of a device, with the age and freshness of each signal.

use chrono::{DateTime, TimeDelta, Utc};
use domain::fleet::Policy;
use domain::health::{DeviceFacts, SignalFreshness, evaluate, signal_freshness};
use domain::history::StoredSnapshot;
use domain::signals::{DropReason, Reading, Signal};

/// A device's snapshot at an instant.
#[derive(Clone, Debug)]
pub struct DeviceSnapshot {
    /// The stored snapshot, with the device that it belongs to.
    pub row: StoredSnapshot,
    /// The held signals, in the catalogue's order.
    pub signals: Vec<SnapshotSignal>,
    /// The signals of the catalogue that are not held.
    pub absent: Vec<AbsentSignal>,
}

/// A held signal.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotSignal {
    /// The signal.
    pub signal: Signal,
    /// The value, and the time at which it was observed.
    pub reading: Reading,
    /// The time since the observation; never negative.
    pub age: TimeDelta,
    /// The freshness that follows from the age.
    pub freshness: SignalFreshness,
}

/// A signal that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsentSignal {
    /// The signal.
    pub signal: Signal,
    /// `never_reported`, or why it was dropped when it last came.
    pub reason: &'static str,
}

impl DeviceSnapshot {
    /// Evaluates the age and freshness of each signal of a stored snapshot.
    pub(super) fn evaluate(row: StoredSnapshot, policy: Policy, now: DateTime<Utc>) -> Self {
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
        Self {
            row,
            signals,
            absent,
        }
    }
}
