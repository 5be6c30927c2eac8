//! Turns at a provider account: several connections, pages and cycles of this instance share the rate at which
//! one account may be asked, and the pause that it asked for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clock::Deadline;
use domain::fleet::{CredentialRef, ProviderType};
use reqwest::Url;
use tokio::time::Instant;

use super::AccountRate;

/// Who is asked, and with which credential: connections that agree in all of it share the provider's limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TurnKey {
    provider_type: ProviderType,
    authority: String,
    credential_ref: String,
}

impl TurnKey {
    pub(crate) fn new(
        provider_type: ProviderType,
        base_url: &Url,
        credential_ref: &CredentialRef,
    ) -> Self {
        Self {
            provider_type,
            authority: base_url.authority().to_owned(),
            credential_ref: credential_ref.as_str().to_owned(),
        }
    }
}

/// The reservations of every account that this instance has asked; as many as are configured, and so few.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountTurns {
    reservations: Arc<Mutex<HashMap<TurnKey, Reservation>>>,
}

/// What is reserved of an account's time.
#[derive(Clone, Copy, Debug)]
struct Reservation {
    /// When all turns given so far are paid for, at the long-run rate.
    paid_at: Instant,
    /// The end of the pause that the provider asked for.
    paused_until: Instant,
}

/// One account's turns.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    key: TurnKey,
    rate: AccountRate,
    all: AccountTurns,
}

/// Why there is no turn before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// The account's rate is used up.
    Limit,
    /// The provider asked for a pause.
    Pause,
}

impl AccountTurns {
    /// Returns the turns of an account that may be asked at this rate.
    pub(crate) fn of_account(&self, key: TurnKey, rate: AccountRate) -> Turns {
        Turns {
            key,
            rate,
            all: self.clone(),
        }
    }
}

impl Turns {
    /// Waits for the next turn: first come, first served. A turn that would come after the deadline is not
    /// taken from those who can still use it.
    pub(crate) async fn wait(&self, deadline: Deadline) -> Result<(), NoTurn> {
        let now = now();
        let turn = self.reserve(now, now + deadline.remaining())?;
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    fn reserve(&self, now: Instant, deadline: Instant) -> Result<Instant, NoTurn> {
        let AccountRate { interval, burst } = self.rate;
        self.with_reservation(now, |reservation| {
            if reservation.paused_until >= deadline {
                return Err(NoTurn::Pause);
            }
            let earliest = reservation.paused_until.max(now);
            let credit = interval * burst.saturating_sub(1);
            let paid_at = reservation.paid_at.max(earliest);
            let turn = paid_at
                .checked_sub(credit)
                .map_or(earliest, |turn| turn.max(earliest));
            if turn >= deadline {
                return Err(NoTurn::Limit);
            }
            reservation.paid_at = paid_at + interval;
            Ok(turn)
        })
    }

    /// Keeps everybody of this instance from asking the account for so long.
    pub(crate) fn pause(&self, wait: Duration) {
        let now = now();
        self.with_reservation(now, |reservation| {
            reservation.paused_until = reservation.paused_until.max(now + wait);
        });
    }

    fn with_reservation<T>(&self, now: Instant, change: impl FnOnce(&mut Reservation) -> T) -> T {
        let mut reservations = self
            .all
            .reservations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let reservation = reservations.entry(self.key.clone()).or_insert(Reservation {
            paid_at: now,
            paused_until: now,
        });
        change(reservation)
    }
}

/// The present instant by which requests are spaced out.
#[expect(
    clippy::disallowed_methods,
    reason = "providers do not stand still with a manual clock"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use clock::Stopwatch;

    use super::*;

    fn key(url: &str, credential: &str) -> TurnKey {
        TurnKey::new(
            ProviderType::DepotSim,
            &url.parse().expect("a URL"),
            &CredentialRef::try_new(credential).expect("a reference"),
        )
    }

    /// The turns of one account that nobody has asked yet.
    fn turns(per_second: u32, burst: u32) -> Turns {
        let rate = AccountRate::per_second(per_second, burst);
        AccountTurns::default().of_account(key("https://a.example/x", "env:PROVIDER_A"), rate)
    }

    async fn waits(turns: &Turns, count: u32) -> Vec<u64> {
        let begun = Stopwatch::start();
        let deadline = Deadline::after(Duration::from_secs(30));
        let mut waits = Vec::new();
        for _ in 0..count {
            turns.wait(deadline).await.expect("a turn");
            waits.push(begun.elapsed_ms());
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let turns = turns(2, 3);
        assert_eq!(waits(&turns, 5).await, [0, 0, 0, 500, 1_000]);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(waits(&turns, 4).await, [0, 0, 0, 500], "a pause refills it");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_one_account_share_its_turns_and_others_do_not() {
        let accounts = AccountTurns::default();
        let rate = AccountRate::per_second(1, 1);
        let one = key("https://a.example/x", "env:PROVIDER_A");
        waits(&accounts.of_account(one, rate), 1).await;
        for (url, credential, waited) in [
            ("https://a.example/y", "env:PROVIDER_A", 1_000),
            ("https://a.example/x", "env:PROVIDER_B", 0),
            ("https://b.example/x", "env:PROVIDER_A", 0),
            ("https://a.example:8443/x", "env:PROVIDER_A", 0),
        ] {
            let turns = accounts.of_account(key(url, credential), rate);
            assert_eq!(waits(&turns, 1).await, [waited], "{url} {credential}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_and_not_used_up() {
        let turns = turns(1, 1);
        let soon = Deadline::after(Duration::from_millis(500));
        turns.wait(soon).await.expect("the first");
        for _ in 0..3 {
            assert_eq!(turns.wait(soon).await, Err(NoTurn::Limit));
        }
        assert_eq!(waits(&turns, 1).await, [1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_asks_for_a_pause_gets_it_from_everybody() {
        let unlimited = turns(0, 1);
        let turns = || unlimited.clone();
        turns().pause(Duration::from_secs(20));
        turns().pause(Duration::from_secs(5));
        let soon = Deadline::after(Duration::from_secs(10));
        assert_eq!(turns().wait(soon).await, Err(NoTurn::Pause));
        assert_eq!(waits(&turns(), 1).await, [20_000]);
    }
}
