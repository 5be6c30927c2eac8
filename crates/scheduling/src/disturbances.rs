//! The irregularities of EventBridge's triggers. `dev` can switch them on, to show that cycles still run.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;

/// The disturbances of the triggers of slots, which are none by default. A trigger without a slot is never disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbances {
    /// The seconds after the slot's minute within which a trigger fires. EventBridge needs 60.
    pub spread_seconds: u32,
    /// The percentage of triggers that come a second time, up to three minutes later.
    pub duplicates_percent: u32,
    /// The percentage of triggers that come up to three minutes late, as a retry does.
    pub delays_percent: u32,
    /// The percentage of triggers that never come.
    pub gaps_percent: u32,
}

/// The retry age of our schedules in EventBridge. No trigger comes later than this.
const LATEST_SECONDS: i64 = 180;

impl Disturbances {
    /// Returns the instants at which the triggers of a slot are sent. Usually that is one, at the slot's minute.
    pub fn firings(&self, slot: DateTime<Utc>, chance: &mut impl Rng) -> Vec<DateTime<Utc>> {
        let mut happens = |percent: u32| chance.random_range(0..100) < percent;
        let (gap, delayed, doubled) = (
            happens(self.gaps_percent),
            happens(self.delays_percent),
            happens(self.duplicates_percent),
        );
        if gap {
            return Vec::new();
        }
        let mut later = |by: i64| TimeDelta::milliseconds(chance.random_range(0..by * 1_000));
        let mut fires_at = slot;
        if self.spread_seconds > 0 {
            fires_at += later(self.spread_seconds.into());
        }
        if delayed {
            fires_at += later(LATEST_SECONDS);
        }
        let again = doubled.then(|| fires_at + later(LATEST_SECONDS));
        std::iter::once(fires_at).chain(again).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const SLOTS: usize = 10_000;

    fn firings(disturbances: Disturbances) -> Vec<Vec<i64>> {
        let mut chance = StdRng::seed_from_u64(7);
        let slot = DateTime::UNIX_EPOCH;
        let seconds = |at: DateTime<Utc>| (at - slot).num_seconds();
        (0..SLOTS)
            .map(|_| {
                let fired = disturbances.firings(slot, &mut chance);
                fired.into_iter().map(seconds).collect()
            })
            .collect()
    }

    fn share(of: usize) -> f64 {
        f64::from(u32::try_from(of).expect("few")) / f64::from(u32::try_from(SLOTS).expect("few"))
    }

    #[test]
    fn without_disturbance_each_slot_fires_once_at_its_minute() {
        assert!(
            firings(Disturbances::default())
                .iter()
                .all(|fired| *fired == [0])
        );
    }

    #[test]
    fn a_spread_covers_exactly_its_seconds() {
        let spread = Disturbances {
            spread_seconds: 60,
            ..Disturbances::default()
        };
        let seconds: Vec<i64> = firings(spread).concat();
        assert_eq!(
            (seconds.iter().min(), seconds.iter().max()),
            (Some(&0), Some(&59))
        );
    }

    #[test]
    fn triggers_are_doubled_delayed_or_missing_at_their_percentages() {
        let disturbed = Disturbances {
            duplicates_percent: 20,
            delays_percent: 10,
            gaps_percent: 5,
            ..Disturbances::default()
        };
        let fired = firings(disturbed);
        let missing = fired.iter().filter(|fired| fired.is_empty()).count();
        let doubled = fired.iter().filter(|fired| fired.len() == 2).count();
        let delayed = fired
            .iter()
            .filter(|fired| fired.first().is_some_and(|at| *at > 0))
            .count();
        for (share, expected) in [
            (share(missing), 0.05),
            (share(doubled), 0.95 * 0.20),
            (share(delayed), 0.95 * 0.10),
        ] {
            assert!((share - expected).abs() < 0.01, "{share} {expected}");
        }
        let latest = fired.concat().into_iter().max();
        assert!(
            latest.is_some_and(|at| at <= 2 * LATEST_SECONDS),
            "{latest:?}"
        );
    }
}
