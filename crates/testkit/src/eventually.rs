//! Waiting for a condition, instead of sleeping for a while.

use std::time::Duration;

use tokio::time::Instant;

/// The time limit of a wait. It is far beyond what anything takes on a busy machine: only a failure waits this long.
const PATIENCE: Duration = Duration::from_mins(1);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The answer to the question whether a condition holds.
pub trait Condition {
    /// The value that is returned when the condition holds.
    type Seen;
    /// Returns the value if the condition holds now.
    fn seen(self) -> Option<Self::Seen>;
}

impl Condition for bool {
    type Seen = ();
    fn seen(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Condition for Option<T> {
    type Seen = T;
    fn seen(self) -> Self {
        self
    }
}

/// Asks again and again until `condition` holds: until a `bool` is true, or an `Option` has a value, which is returned.
///
/// # Panics
/// If `what` does not hold within a minute; the message names it.
pub async fn eventually<C: Condition>(
    what: &str,
    mut condition: impl AsyncFnMut() -> C,
) -> C::Seen {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = condition().await.seen() {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_seen_at_the_third_look_is_the_answer() {
        let mut looks = 0;
        let seen = eventually("a third look", async || {
            looks += 1;
            (looks == 3).then_some(looks)
        })
        .await;
        assert_eq!(seen, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "not within 60 s: pigs fly")]
    async fn what_never_comes_about_fails_by_name() {
        eventually("pigs fly", async || false).await;
    }
}
