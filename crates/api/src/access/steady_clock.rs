//! The service's clock as rates need it: one that is never set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;

/// Time since the service began, by its [`Clock`]. When that one is set back, this one stands still for
/// an instant and goes on: callers would else be refused until the old time is reached again.
#[derive(Clone, Debug)]
pub(super) struct SteadyClock {
    clock: Clock,
    hand: Arc<Mutex<Hand>>,
}

#[derive(Debug)]
struct Hand {
    seen: DateTime<Utc>,
    elapsed: Duration,
}

impl SteadyClock {
    pub(super) fn new(clock: Clock) -> Self {
        let hand = Hand {
            seen: clock.now(),
            elapsed: Duration::ZERO,
        };
        Self {
            clock,
            hand: Arc::new(Mutex::new(hand)),
        }
    }
}

impl governor::clock::Clock for SteadyClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let now = self.clock.now();
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let step = (now - hand.seen).to_std();
        hand.elapsed += step.unwrap_or(Duration::ZERO);
        hand.seen = now;
        hand.elapsed
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use governor::clock::Clock as _;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_costs_only_the_step() {
        let wall = Clock::manual(DateTime::UNIX_EPOCH);
        let steady = SteadyClock::new(wall.clone());
        wall.advance(TimeDelta::seconds(5));
        assert_eq!(steady.now(), Duration::from_secs(5));
        wall.advance(TimeDelta::hours(-1));
        assert_eq!(steady.now(), Duration::from_secs(5));
        wall.advance(TimeDelta::seconds(2));
        assert_eq!(steady.now(), Duration::from_secs(7));
    }
}
