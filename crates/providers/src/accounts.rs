//! Turns at a provider account: several connections, pages and cycles of this instance share what one
//! account may be asked, and what it asked us to wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::fleet::{CredentialRef, ProviderType};
use reqwest::Url;
use tokio::time::Instant;

/// How often one account is asked by one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRate {
    /// Requests a second in the long run; 0 is unlimited.
    pub per_second: u32,
    /// Requests at once, after a pause; at least one.
    pub burst: u32,
}

impl Default for AccountRate {
    fn default() -> Self {
        Self {
            per_second: 10,
            burst: 20,
        }
    }
}

/// Who is asked, and as whom: connections that agree in all of it share the provider's limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    provider_type: ProviderType,
    authority: String,
    credential: String,
}

impl Account {
    pub(crate) fn new(
        provider_type: ProviderType,
        base_url: &Url,
        credential: &CredentialRef,
    ) -> Self {
        Self {
            provider_type,
            authority: base_url.authority().to_owned(),
            credential: credential.as_str().to_owned(),
        }
    }
}

/// The accounts of this instance; as many as are configured, and so few.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    rate: AccountRate,
    book: Arc<Mutex<HashMap<Account, Booked>>>,
}

/// What is promised of an account.
#[derive(Clone, Copy, Debug)]
struct Booked {
    /// When all turns given so far are paid for, at the long-run rate.
    paid_at: Instant,
    /// Until when the provider does not want to be asked.
    paused_until: Instant,
}

/// One account's turns.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    account: Account,
    accounts: Accounts,
}

/// No turn before the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// For our own limit.
    Limit,
    /// For what the provider asked for.
    Pause,
}

impl Accounts {
    pub(crate) fn new(rate: AccountRate) -> Self {
        Self {
            rate,
            book: Arc::default(),
        }
    }

    pub(crate) fn turns(&self, account: Account) -> Turns {
        Turns {
            account,
            accounts: self.clone(),
        }
    }
}

impl Turns {
    /// Waits for the next turn: first come, first served. A turn that would come after the deadline is not
    /// taken from those who can still use it.
    pub(crate) async fn next(&self, deadline: Instant) -> Result<(), NoTurn> {
        let turn = self.book(Instant::now(), deadline)?;
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    fn book(&self, now: Instant, deadline: Instant) -> Result<Instant, NoTurn> {
        let rate = self.accounts.rate;
        self.with_booked(now, |booked| {
            if booked.paused_until >= deadline {
                return Err(NoTurn::Pause);
            }
            let earliest = booked.paused_until.max(now);
            if rate.per_second == 0 {
                return Ok(earliest);
            }
            let each = Duration::from_secs(1) / rate.per_second;
            let credit = each * rate.burst.saturating_sub(1);
            let paid_at = booked.paid_at.max(earliest);
            let turn = paid_at
                .checked_sub(credit)
                .map_or(earliest, |turn| turn.max(earliest));
            if turn >= deadline {
                return Err(NoTurn::Limit);
            }
            booked.paid_at = paid_at + each;
            Ok(turn)
        })
    }

    /// Nobody of this instance asks the account for so long.
    pub(crate) fn pause(&self, wait: Duration) {
        let now = Instant::now();
        self.with_booked(now, |booked| {
            booked.paused_until = booked.paused_until.max(now + wait);
        });
    }

    fn with_booked<T>(&self, now: Instant, change: impl FnOnce(&mut Booked) -> T) -> T {
        let mut book = self
            .accounts
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let booked = book.entry(self.account.clone()).or_insert(Booked {
            paid_at: now,
            paused_until: now,
        });
        change(booked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(url: &str, credential: &str) -> Account {
        Account::new(
            ProviderType::DepotSim,
            &url.parse().expect("a URL"),
            &CredentialRef::try_new(credential).expect("a reference"),
        )
    }

    fn accounts(per_second: u32, burst: u32) -> Accounts {
        Accounts::new(AccountRate { per_second, burst })
    }

    async fn waits(turns: &Turns, count: u32) -> Vec<u128> {
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(30);
        let mut waits = Vec::new();
        for _ in 0..count {
            turns.next(deadline).await.expect("a turn");
            waits.push(begun.elapsed().as_millis());
        }
        waits
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let turns = accounts(2, 3).turns(account("https://a.example/x", "env:PROVIDER_A"));
        assert_eq!(waits(&turns, 5).await, [0, 0, 0, 500, 1_000]);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(waits(&turns, 4).await, [0, 0, 0, 500], "a pause refills it");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_of_one_account_share_its_turns_and_others_do_not() {
        let accounts = accounts(1, 1);
        let one = account("https://a.example/x", "env:PROVIDER_A");
        waits(&accounts.turns(one), 1).await;
        for (url, credential, waited) in [
            ("https://a.example/y", "env:PROVIDER_A", 1_000),
            ("https://a.example/x", "env:PROVIDER_B", 0),
            ("https://b.example/x", "env:PROVIDER_A", 0),
            ("https://a.example:8443/x", "env:PROVIDER_A", 0),
        ] {
            let turns = accounts.turns(account(url, credential));
            assert_eq!(waits(&turns, 1).await, [waited], "{url} {credential}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_after_the_deadline_is_refused_and_not_used_up() {
        let turns = accounts(1, 1).turns(account("https://a.example", "env:PROVIDER_A"));
        let soon = Instant::now() + Duration::from_millis(500);
        turns.next(soon).await.expect("the first");
        for _ in 0..3 {
            assert_eq!(turns.next(soon).await, Err(NoTurn::Limit));
        }
        assert_eq!(waits(&turns, 1).await, [1_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_asks_for_a_pause_gets_it_from_everybody() {
        let accounts = accounts(0, 1);
        let turns = || accounts.turns(account("https://a.example", "env:PROVIDER_A"));
        turns().pause(Duration::from_secs(20));
        turns().pause(Duration::from_secs(5));
        let soon = Instant::now() + Duration::from_secs(10);
        assert_eq!(turns().next(soon).await, Err(NoTurn::Pause));
        assert_eq!(waits(&turns(), 1).await, [20_000]);
    }
}
