//! Time as a dependency.
//!
//! A [`Clock`] is the one source of "now" for every rule. It is handed in as a value, so that a test can hold
//! time still and move it. Sleeping goes through the clock too: a worker that waits on a manual clock wakes when
//! the test advances the clock and not before.
//!
//! A [`Stopwatch`] and a [`Deadline`] run on the machine's monotonic clock even where a manual clock stands
//! still, because sockets and processors do not wait for a test. No rule depends on either of them.

mod deadline;
mod steady;
mod stopwatch;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

pub use deadline::{Deadline, DeadlinePassed};
pub use steady::SteadyClock;
pub use stopwatch::Stopwatch;

/// A source of time. Cheap to clone; all clones of a manual clock show the same time.
#[derive(Clone, Debug)]
pub struct Clock(TimeSource);

#[derive(Clone, Debug)]
enum TimeSource {
    System,
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's wall clock.
    pub const fn system() -> Self {
        Self(TimeSource::System)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(TimeSource::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// The present instant in UTC, truncated to microseconds: the precision the database keeps.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            TimeSource::System => Utc::now().trunc_subsecs(6),
            TimeSource::Manual(hand) => *hand.borrow(),
        }
    }

    /// A clock for durations, which starts at zero now and is never set back.
    pub fn steady(&self) -> SteadyClock {
        SteadyClock::new(self.clone())
    }

    /// Returns once the clock shows `instant` or later.
    pub async fn sleep_until(&self, instant: DateTime<Utc>) {
        match &self.0 {
            TimeSource::System => {
                let wait = (instant - self.now()).to_std().unwrap_or(Duration::ZERO);
                tokio::time::sleep(wait).await;
            }
            TimeSource::Manual(hand) => {
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

    /// Moves a manual clock forward and wakes everybody whose instant has come.
    ///
    /// # Panics
    /// On the system clock, which nobody moves.
    pub fn advance(&self, by: TimeDelta) {
        match &self.0 {
            TimeSource::System => panic!("the system clock cannot be advanced"),
            TimeSource::Manual(hand) => hand.send_modify(|now| *now += by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_reaches_its_instant_and_not_before() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let mut sleeper = tokio::task::JoinSet::new();
        let sleeping = clock.clone();
        sleeper.spawn(async move { sleeping.sleep(Duration::from_mins(1)).await });
        tokio::task::yield_now().await;
        clock.advance(TimeDelta::seconds(59));
        tokio::task::yield_now().await;
        assert!(sleeper.try_join_next().is_none());
        clock.advance(TimeDelta::seconds(1));
        let woken = sleeper.join_next().await.expect("one sleeper");
        woken.expect("the sleeper does not panic");
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::seconds(60));
    }
}
