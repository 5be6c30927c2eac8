//! Bounds of what one poll may cost.

use std::time::Duration;

/// Bounds of one poll of one connection.
#[derive(Clone, Copy, Debug)]
pub struct PollLimits {
    /// The time for the whole poll, retries and pages included.
    pub deadline: Duration,
    /// Requests a page, the first included.
    pub attempts: usize,
    /// The first wait between two attempts; it grows and is jittered.
    pub backoff: Duration,
    /// Bytes of one page after decompression.
    pub page_bytes: usize,
    /// Pages of one answer.
    pub pages: usize,
    /// How often one account is asked, all its connections together.
    pub account_rate: AccountRate,
}

impl Default for PollLimits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            attempts: 3,
            backoff: Duration::from_millis(500),
            page_bytes: 8 * 1024 * 1024,
            pages: 200,
            account_rate: AccountRate::default(),
        }
    }
}

/// How often one account is asked by one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRate {
    /// The time between two requests in the long run; zero is unlimited.
    pub interval: Duration,
    /// Requests at once after a pause; at least one.
    pub burst: u32,
}

impl Default for AccountRate {
    fn default() -> Self {
        Self::per_second(10, 20)
    }
}

impl AccountRate {
    /// Makes a rate of so many requests a second in the long run, 0 for unlimited, and so many at once after a pause.
    pub const fn per_second(requests: u32, burst: u32) -> Self {
        Self::over(Duration::from_secs(1), requests, burst)
    }

    /// Makes a rate of so many requests a minute in the long run, 0 for unlimited, and so many at once after a pause.
    pub const fn per_minute(requests: u32, burst: u32) -> Self {
        Self::over(Duration::from_mins(1), requests, burst)
    }

    const fn over(period: Duration, requests: u32, burst: u32) -> Self {
        let interval = match period.checked_div(requests) {
            Some(interval) => interval,
            None => Duration::ZERO,
        };
        Self { interval, burst }
    }

    /// Returns the rate that keeps to both.
    pub(crate) fn slower(self, other: Self) -> Self {
        Self {
            interval: self.interval.max(other.interval),
            burst: self.burst.min(other.burst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_two_rates_keeps_to_both() {
        let ours = AccountRate::per_second(10, 5);
        let theirs = AccountRate::per_minute(60, 60);
        let slower = AccountRate::per_second(1, 5);
        assert_eq!(ours.slower(theirs), slower);
        assert_eq!(AccountRate::per_second(0, 60).slower(theirs), theirs);
    }
}
