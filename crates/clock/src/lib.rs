//! The one source of "now": handed in as a value, so that a test can hold time still and move it.
//!
//! Sleeping goes through the clock too; a worker that waits on a manual clock wakes when the test
//! advances it and not before.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// Time as a dependency. Cheap to clone; clones of a manual clock share one hand.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's wall clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// The present instant in UTC, truncated to microseconds: the precision the database keeps.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(hand) => *hand.borrow(),
        }
    }

    /// Returns once the clock shows `instant` or later.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) {
        match &self.0 {
            Source::System => {
                let wait = (instant - self.now()).to_std().unwrap_or(Duration::ZERO);
                tokio::time::sleep(wait).await;
            }
            Source::Manual(hand) => {
                // The sender lives in `self`, so the channel cannot be closed while we wait.
                let _ = hand.subscribe().wait_for(|now| *now >= instant).await;
            }
        }
    }

    /// Returns once `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let wake = self
            .now()
            .checked_add_signed(duration)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.sleep_until(wake).await;
    }

    /// Moves a manual clock forward and wakes those who waited for it.
    ///
    /// # Panics
    /// On the system clock: nobody moves that one.
    pub fn advance(&self, by: TimeDelta) {
        match &self.0 {
            Source::System => panic!("the system clock cannot be advanced"),
            Source::Manual(hand) => hand.send_modify(|now| *now += by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_hand_has_passed_its_instant_and_not_before() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_mins(1)).await })
        };
        tokio::task::yield_now().await;
        clock.advance(TimeDelta::seconds(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(TimeDelta::seconds(1));
        sleeper.await.expect("the sleeper ends");
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::seconds(60));
    }
}
