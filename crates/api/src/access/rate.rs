//! Rate limits: one token bucket for each caller, in this instance's memory.
//!
//! Every instance counts on its own, so a caller that reaches N instances has N times the rate. A request whose
//! token is refused has no caller and is not counted.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth::Principal;
use clock::{Clock, SteadyClock};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// How often the buckets that are full again are evicted. Until then an idle caller costs the length of its id.
const EVICTION_INTERVAL: Duration = Duration::from_mins(1);

/// The limit on the requests of one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The requests per second in the long run.
    pub per_second: NonZeroU32,
    /// The requests at once after a pause.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Makes a limit from two settings. Returns `None`, which is unlimited, for zero requests per second.
    pub const fn from_settings(per_second: u32, burst: NonZeroU32) -> Option<Self> {
        match NonZeroU32::new(per_second) {
            Some(per_second) => Some(Self { per_second, burst }),
            None => None,
        }
    }
}

/// The rate limits of people and of machines. Cheap to clone; clones share their counts.
#[derive(Clone, Debug)]
pub struct RateLimits(Arc<Limits>);

#[derive(Debug)]
struct Limits {
    people: Option<Buckets>,
    machines: Option<Buckets>,
}

impl RateLimits {
    /// Makes limits that count by `clock`. `None` is unlimited.
    pub fn new(people: Option<Rate>, machines: Option<Rate>, clock: &Clock) -> Self {
        let buckets = |rate| Buckets::new(rate, GovernorClock(clock.steady()));
        Self(Arc::new(Limits {
            people: people.map(buckets),
            machines: machines.map(buckets),
        }))
    }

    /// Counts a request of a verified caller, whose name is `id`.
    ///
    /// # Errors
    /// Returns how long the caller must wait until its next request is admitted.
    pub(super) fn admit(&self, principal: &Principal, id: &str) -> Result<(), Duration> {
        let buckets = match principal {
            Principal::Person { .. } => &self.0.people,
            Principal::Machine { .. } => &self.0.machines,
        };
        buckets.as_ref().map_or(Ok(()), |buckets| buckets.admit(id))
    }
}

/// The service's steady clock as `governor` reads it.
#[derive(Clone, Debug)]
struct GovernorClock(SteadyClock);

impl governor::clock::Clock for GovernorClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter =
    RateLimiter<Arc<str>, HashMapStateStore<Arc<str>>, GovernorClock, NoOpMiddleware<Duration>>;

/// The buckets of all people or of all machines, by the caller's id.
#[derive(Debug)]
struct Buckets {
    limiter: Limiter,
    clock: GovernorClock,
    evicted_at_second: AtomicU64,
}

impl Buckets {
    fn new(rate: Rate, clock: GovernorClock) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self {
            limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()),
            clock,
            evicted_at_second: AtomicU64::new(0),
        }
    }

    fn admit(&self, id: &str) -> Result<(), Duration> {
        self.evict_idle_callers();
        let refused = self.limiter.check_key(&id.into());
        refused.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Evicts the callers who are idle, if the last eviction was long enough ago.
    fn evict_idle_callers(&self) {
        let now = self.clock.now().as_secs();
        let evicted_at = self.evicted_at_second.load(Ordering::Relaxed);
        let is_due = now >= evicted_at + EVICTION_INTERVAL.as_secs();
        // Of several requests at once, only one evicts.
        let is_first = || {
            self.evicted_at_second
                .compare_exchange(evicted_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if is_due && is_first() {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    /// A limit whose burst is not zero.
    fn rate(per_second: u32, burst: u32) -> Option<Rate> {
        Rate::from_settings(per_second, NonZeroU32::new(burst).expect("a burst"))
    }

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
    fn each_caller_has_a_burst_and_then_the_rate() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(rate(50, 200), None, &clock);
        assert_eq!(admitted(&limits, &person("a"), 300), 200);
        assert_eq!(admitted(&limits, &person("b"), 300), 200);
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(admitted(&limits, &person("a"), 300), 50);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(admitted(&limits, &person("a"), 300), 200);
    }

    #[test]
    fn machines_are_limited_only_if_a_rate_is_set() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let machine = Principal::machine("depot", [""; 0]);
        let unlimited = RateLimits::new(rate(1, 1), rate(0, 1), &clock);
        assert_eq!(admitted(&unlimited, &machine, 5_000), 5_000);
        let limited = RateLimits::new(None, rate(1, 1), &clock);
        assert_eq!(admitted(&limited, &machine, 10), 1);
        assert_eq!(admitted(&limited, &person("a"), 5_000), 5_000);
    }

    #[test]
    fn a_refusal_says_when_the_next_request_is_admitted() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let limits = RateLimits::new(rate(2, 1), None, &clock);
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
    fn an_idle_caller_is_evicted() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let buckets = Buckets::new(
            rate(50, 200).expect("a limit"),
            GovernorClock(clock.steady()),
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
