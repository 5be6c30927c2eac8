//! Limits on waiting for something outside this process.

use std::time::Duration;

use tokio::time::Instant;

/// The instant by which something outside this process must have happened, on the machine's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that passes when `wait` is over.
    #[expect(
        clippy::disallowed_methods,
        reason = "sockets do not stand still with a manual clock"
    )]
    pub fn after(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    /// The time that is left; zero once the deadline has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "sockets do not stand still with a manual clock"
    )]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Returns once the deadline has passed. The future is polled often where it guards a body, so it is
    /// tokio's own.
    pub fn passed(self) -> tokio::time::Sleep {
        tokio::time::sleep_until(self.0)
    }

    /// Runs `work` until it ends or the deadline passes.
    ///
    /// # Errors
    /// When the deadline passes first.
    pub async fn limit<T>(self, work: impl Future<Output = T>) -> Result<T, DeadlinePassed> {
        tokio::time::timeout_at(self.0, work)
            .await
            .map_err(|_| DeadlinePassed)
    }
}

/// The work did not end before its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadlinePassed;
