//! Waiting for a condition, instead of sleeping and hoping.

use std::time::Duration;

use tokio::time::Instant;

/// Far beyond what anything takes on a busy machine; only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Something that has come about or has not yet.
pub trait Condition {
    /// What there is to see once it has.
    type Seen;
    /// What is seen now.
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

/// Looks again and again until `condition` has come about: a `bool`, or an `Option` whose value is
/// then the answer.
///
/// # Panics
/// After a minute, saying that `what` did not come about.
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
