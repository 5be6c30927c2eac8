//! The fold that rebuilds a snapshot from what was recorded.

use chrono::{DateTime, Utc};

use super::Snapshot;
use crate::signals::{DroppedSignal, Readings};

/// An accepted update of the activation that is rebuilt, as its event recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedUpdate {
    /// The version of the snapshot that the update made.
    pub version: i64,
    /// The instant at which core accepted the update.
    pub recorded_at: DateTime<Utc>,
    /// The readings that moved the snapshot.
    pub readings: Readings,
    /// The signals that were dropped from the update.
    pub dropped: Vec<DroppedSignal>,
}

/// A snapshot that is being rebuilt from a baseline, or from nothing, and the updates after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SnapshotFold {
    /// The version of the baseline; 0 without one.
    begins_with: i64,
    snapshot: Snapshot,
    has_gap: bool,
}

/// A rebuilt snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuiltSnapshot {
    /// The snapshot that the history adds up to.
    pub snapshot: Snapshot,
    /// Whether updates are missing between those that are there.
    pub has_gap: bool,
}

impl SnapshotFold {
    /// Begins with a baseline.
    pub const fn from(baseline: Snapshot) -> Self {
        Self {
            begins_with: baseline.held.version,
            snapshot: baseline,
            has_gap: false,
        }
    }

    /// Takes in an update; updates must come in order of version. An update that the baseline contains already is
    /// passed over.
    pub fn take(&mut self, update: &RecordedUpdate) {
        if update.version <= self.begins_with {
            return;
        }
        let Snapshot {
            held,
            last_update_received_at,
            newest_observed_at,
        } = &mut self.snapshot;
        let before = held.version;
        // The same version twice is the trace of a snapshot that had been put back, and was repaired.
        self.has_gap |= update.version > before + 1;
        held.accept(&update.readings, &update.dropped);
        held.version = update.version.max(before);
        *last_update_received_at = (*last_update_received_at).max(Some(update.recorded_at));
        *newest_observed_at = (*newest_observed_at).max(update.readings.newest_observed_at());
    }

    /// Returns the rebuilt snapshot.
    pub fn finish(self) -> RebuiltSnapshot {
        RebuiltSnapshot {
            snapshot: self.snapshot,
            has_gap: self.has_gap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acceptance::Held;
    use crate::signals::{DropReason, Reading, Signal, SignalValue};
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn update(version: i64, second: i64, speed: f64) -> RecordedUpdate {
        let signal = Signal::named("speed_kmh").expect("a signal");
        let reading = Reading {
            value: SignalValue::Number(speed),
            observed_at: at(second),
        };
        RecordedUpdate {
            version,
            recorded_at: at(second + 1),
            readings: Readings::from_iter([(signal, reading)]),
            dropped: vec![DroppedSignal {
                signal: "range_km".to_owned(),
                reason: DropReason::ALL[usize::try_from(second % 2).expect("0 or 1") + 2],
            }],
        }
    }

    fn folded(baseline: Snapshot, updates: &[RecordedUpdate]) -> RebuiltSnapshot {
        let mut fold = SnapshotFold::from(baseline);
        for update in updates {
            fold.take(update);
        }
        fold.finish()
    }

    #[test]
    fn a_gap_between_updates_is_told_and_one_before_them_is_the_baselines() {
        let updates = |versions: &[i64]| -> Vec<RecordedUpdate> {
            versions
                .iter()
                .map(|version| update(*version, *version, 1.0))
                .collect()
        };
        for (baseline, versions, has_gap) in [
            (0, &[1, 2, 3][..], false),
            (0, &[1, 3], true),
            (0, &[2], true),
            (2, &[1, 2, 3], false),
            (2, &[3, 4], false),
            (2, &[4], true),
            (0, &[1, 2, 2, 3], false),
        ] {
            let baseline = Snapshot {
                held: Held {
                    version: baseline,
                    ..Held::default()
                },
                ..Snapshot::default()
            };
            let folded = folded(baseline, &updates(versions));
            assert_eq!(folded.has_gap, has_gap, "{versions:?}");
            assert_eq!(
                Some(&folded.snapshot.held.version),
                versions.last(),
                "{versions:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_baseline_at_any_version_stands_for_the_updates_before_it(
            speeds in prop::collection::vec((0_i64..9, 0_u8..4), 1..20), cut in 0_usize..20, overlap in 0_usize..20,
        ) {
            let updates: Vec<RecordedUpdate> = (1..)
                .zip(&speeds)
                .map(|(version, (second, speed))| update(version, *second, f64::from(*speed)))
                .collect();
            let all = folded(Snapshot::default(), &updates);
            let cut = cut.min(updates.len());
            let baseline = folded(Snapshot::default(), &updates[..cut]).snapshot;
            let rest = &updates[cut - overlap.min(cut)..];
            prop_assert_eq!(folded(baseline, rest), all);
        }
    }
}
