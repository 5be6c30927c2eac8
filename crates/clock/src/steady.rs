//! A clock for durations that follows a [`Clock`] and is never set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::Clock;

/// Time since this clock was made, by a [`Clock`]. When the wall clock is set back, the steady clock stands
/// still for that one reading and then goes on: a limit on requests would otherwise refuse callers until the
/// wall clock has caught up. Cheap to clone; clones show the same time.
#[derive(Clone, Debug)]
pub struct SteadyClock {
    clock: Clock,
    last: Arc<Mutex<LastReading>>,
}

#[derive(Debug)]
struct LastReading {
    wall_time: DateTime<Utc>,
    elapsed: Duration,
}

impl SteadyClock {
    pub(crate) fn new(clock: Clock) -> Self {
        let last = LastReading {
            wall_time: clock.now(),
            elapsed: Duration::ZERO,
        };
        Self {
            clock,
            last: Arc::new(Mutex::new(last)),
        }
    }

    /// The time that has passed since the clock was made.
    pub fn elapsed(&self) -> Duration {
        let now = self.clock.now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // A step back is a negative difference, which counts as no time at all.
        let step = (now - last.wall_time).to_std().unwrap_or(Duration::ZERO);
        last.elapsed += step;
        last.wall_time = now;
        last.elapsed
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_clock_that_is_set_back_costs_only_the_step() {
        let wall = Clock::manual(DateTime::UNIX_EPOCH);
        let steady = wall.steady();
        wall.advance(TimeDelta::seconds(5));
        assert_eq!(steady.elapsed(), Duration::from_secs(5));
        wall.advance(TimeDelta::hours(-1));
        assert_eq!(steady.elapsed(), Duration::from_secs(5));
        wall.advance(TimeDelta::seconds(2));
        assert_eq!(steady.elapsed(), Duration::from_secs(7));
    }
}
