//! How often a caller may ask: a bucket for each, in this instance's memory.
//!
//! Every instance counts for itself, so a caller that reaches N of them has N times the rate. A token
//! that is refused has no caller to count for.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth::Principal;
use clock::Clock;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::steady_clock::SteadyClock;

/// Buckets that are full again are forgotten this often; until then a caller costs its name's length.
const BETWEEN_TIDIES: Duration = Duration::from_mins(1);

/// How often one caller may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// `None`, which is unlimited, for no requests a second; a burst is at least one request.
    pub const fn of(per_second: u32, burst: u32) -> Option<Self> {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        match NonZeroU32::new(per_second) {
            Some(per_second) => Some(Self { per_second, burst }),
            None => None,
        }
    }
}

/// The limits of people and of machines. Cheap to clone; clones count together.
#[derive(Clone, Debug)]
pub struct RateLimits(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    people: Option<Buckets>,
    machines: Option<Buckets>,
}

impl RateLimits {
    /// Limits by `clock`; `None` is unlimited.
    pub fn new(people: Option<Rate>, machines: Option<Rate>, clock: &Clock) -> Self {
        let buckets = |rate| Buckets::new(rate, SteadyClock::new(clock.clone()));
        Self(Arc::new(Limits {
            people: people.map(buckets),
            machines: machines.map(buckets),
        }))
    }

    /// Counts a request of a verified caller, known as `id`.
    ///
    /// # Errors
    /// How long until the next one is admitted.
    pub(super) fn admit(&self, principal: &Principal, id: &str) -> Result<(), Duration> {
        let buckets = match principal {
            Principal::Person { .. } => &self.0.people,
            Principal::Machine { .. } => &self.0.machines,
        };
        buckets.as_ref().map_or(Ok(()), |buckets| buckets.admit(id))
    }
}

/// A bucket for every caller of a kind.
#[derive(Debug)]
struct Buckets {
    limiter:
        RateLimiter<Arc<str>, HashMapStateStore<Arc<str>>, SteadyClock, NoOpMiddleware<Duration>>,
    clock: SteadyClock,
    tidied_at_second: AtomicU64,
}

impl Buckets {
    fn new(rate: Rate, clock: SteadyClock) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()),
            clock,
            tidied_at_second: AtomicU64::new(0),
        }
    }

    fn admit(&self, id: &str) -> Result<(), Duration> {
        self.tidy();
        let refused = self.limiter.check_key(&id.into());
        refused.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets the callers who are idle, if it has not been done for a while.
    fn tidy(&self) {
        let now = self.clock.now().as_secs();
        let tidied_at = self.tidied_at_second.load(Ordering::Relaxed);
        let due = now >= tidied_at + BETWEEN_TIDIES.as_secs();
        let is_ours = || {
            self.tidied_at_second
                .compare_exchange(tidied_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if due && is_ours() {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn person(name: &str) -> Principal {
        Principal::person(name, "web", [""; 0])
    }

    fn admitted(limits: &RateLimits, principal: &Principal, asked: usize) -> usize {
        let id = principal.id();
        (0..asked)
            .filter(|_| limits.admit(principal, &id).is_ok())
            .count()
    }

    #[test]
    fn a_burst_then_the_rate_for_each_caller_alone() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(Rate::of(50, 200), None, &clock);
        assert_eq!(admitted(&limits, &person("a"), 300), 200);
        assert_eq!(admitted(&limits, &person("b"), 300), 200);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(admitted(&limits, &person("a"), 300), 50);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(admitted(&limits, &person("a"), 300), 200);
    }

    #[test]
    fn machines_are_limited_only_where_it_is_said() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let machine = Principal::machine("depot", [""; 0]);
        let unlimited = RateLimits::new(Rate::of(1, 1), Rate::of(0, 1), &clock);
        assert_eq!(admitted(&unlimited, &machine, 5_000), 5_000);
        let limited = RateLimits::new(None, Rate::of(1, 0), &clock);
        assert_eq!(admitted(&limited, &machine, 10), 1);
        assert_eq!(admitted(&limited, &person("a"), 5_000), 5_000);
    }

    #[test]
    fn the_wait_is_until_the_next_one_is_admitted() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(Rate::of(2, 1), None, &clock);
        let caller = person("a");
        let ask = || limits.admit(&caller, "person:a");
        assert_eq!(ask(), Ok(()));
        assert_eq!(ask(), Err(Duration::from_millis(500)));
        clock.advance(TimeDelta::milliseconds(499));
        assert_eq!(ask(), Err(Duration::from_millis(1)));
        clock.advance(TimeDelta::milliseconds(1));
        assert_eq!(ask(), Ok(()));
    }

    #[test]
    fn whoever_is_idle_is_forgotten() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let buckets = Buckets::new(
            Rate::of(50, 200).expect("a limit"),
            SteadyClock::new(clock.clone()),
        );
        for caller in 0..1_000 {
            buckets.admit(&format!("person:{caller}")).expect("a first");
        }
        assert_eq!(buckets.limiter.len(), 1_000);
        clock.advance(TimeDelta::minutes(1));
        buckets.admit("person:1000").expect("a first");
        assert_eq!(buckets.limiter.len(), 1);
    }
}
