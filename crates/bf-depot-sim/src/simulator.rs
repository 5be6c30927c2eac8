//! The simulator: the handle that everything else is reached by.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::account::RunningAccount;
use crate::cursor::Cursor;
use crate::protocol::{ChangesPage, VehiclePage, VehicleReadings};
use crate::routes;
use crate::scenario::{Account, Scenario};
use crate::world::{Speed, Timeline};

/// How to run a scenario.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// Same seed, same vehicles.
    pub seed: u64,
    /// Of virtual time, from the start of the simulator.
    pub speed: Speed,
    /// The only source of time.
    pub clock: Clock,
}

/// A running simulation. Cheap to clone; clones share one world.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub(crate) settings: SimulatorSettings,
    timeline: Timeline,
    accounts: Arc<RwLock<Accounts>>,
}

pub(crate) type Accounts = BTreeMap<String, RunningAccount>;

/// There is no account of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no account `{0}`")]
pub struct UnknownAccount(
    /// The name asked for.
    pub String,
);

impl Simulator {
    /// Starts virtual time now.
    pub fn new(scenario: Scenario, settings: SimulatorSettings) -> Self {
        let timeline = Timeline::new(settings.clock.now(), settings.speed);
        let simulator = Self {
            settings,
            timeline,
            accounts: Arc::default(),
        };
        for account in scenario.accounts {
            simulator.put_account(account);
        }
        simulator
    }

    /// Adds an account, or replaces the one of its name and begins its counts anew.
    pub fn put_account(&self, account: Account) {
        let name = account.name.clone();
        let running = RunningAccount::start(account, self.settings.seed, self.settings.clock.now());
        self.write().insert(name, running);
    }

    /// The readings that an account's vehicles had reported by `at`, in the past or in the future, with
    /// the fault and the behaviours that it has now. Nothing is counted.
    pub fn readings_at(
        &self,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<VehicleReadings>, UnknownAccount> {
        self.with_account(account, |account| {
            account
                .answer(account.as_of(at), &self.timeline, None)
                .collect()
        })
    }

    /// One page of the answer to a poll now: `page_size` vehicles after the one that the token names.
    pub(crate) fn page(
        &self,
        account: &str,
        page_size: usize,
        page_token: Option<&str>,
    ) -> Result<VehiclePage, UnknownAccount> {
        let now = self.settings.clock.now();
        self.with_account(account, |account| {
            let mut answer = account.answer(account.as_of(now), &self.timeline, page_token);
            let vehicles: Vec<_> = answer.by_ref().take(page_size).collect();
            let more = answer.next().is_some();
            let next_page_token = vehicles
                .last()
                .filter(|_| more)
                .map(|vehicle| vehicle.id.clone());
            VehiclePage {
                vehicles,
                next_page_token,
            }
        })
    }

    /// One page of what has changed since a cursor, and where to go on; nothing for a cursor that the
    /// account does not know. All pages of one answer are as of one instant, and the cursor after the last
    /// goes on from there: a report is in one answer, whichever page its vehicle is on.
    pub(crate) fn changes(
        &self,
        account: &str,
        page_size: usize,
        cursor: Option<Cursor>,
    ) -> Result<Option<ChangesPage>, UnknownAccount> {
        let now = self.settings.clock.now();
        self.with_account(account, |account| {
            let cursor = cursor.unwrap_or(Cursor {
                account_began: account.began,
                since: None,
                half_way: None,
            });
            if cursor.account_began != account.began {
                return None;
            }
            // A provider that falls behind does not tell the same again.
            let as_of = cursor
                .since
                .map_or(account.as_of(now), |since| account.as_of(now).max(since));
            let (until, after) = match &cursor.half_way {
                Some((until, after)) => (*until, Some(after.as_str())),
                None => (as_of, None),
            };
            let mut changed = account
                .answer(until, &self.timeline, after)
                .filter_map(|vehicle| newer(vehicle, cursor.since));
            let vehicles: Vec<_> = changed.by_ref().take(page_size).collect();
            let more = changed.next().is_some();
            let (since, half_way) = match vehicles.last() {
                Some(last) if more => (cursor.since, Some((until, last.id.clone()))),
                _ => (Some(until), None),
            };
            let next = Cursor {
                account_began: account.began,
                since,
                half_way,
            };
            Some(ChangesPage {
                vehicles,
                cursor: next.to_string(),
                more,
            })
        })
    }

    /// The provider protocol and the control endpoints. A hanging account hangs until its callers give
    /// up.
    pub fn router(&self) -> Router {
        routes::router(self.clone(), CancellationToken::new())
    }

    /// Serves [`Simulator::router`] until `shutdown`, which also ends what hangs.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let router = routes::router(self.clone(), shutdown.clone());
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    }

    pub(crate) fn with_account<T>(
        &self,
        name: &str,
        read: impl FnOnce(&RunningAccount) -> T,
    ) -> Result<T, UnknownAccount> {
        self.read()
            .get(name)
            .map(read)
            .ok_or_else(|| UnknownAccount(name.to_owned()))
    }

    pub(crate) fn with_account_mut<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut RunningAccount) -> T,
    ) -> Result<T, UnknownAccount> {
        self.write()
            .get_mut(name)
            .map(change)
            .ok_or_else(|| UnknownAccount(name.to_owned()))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Accounts> {
        // A panic elsewhere leaves whole values behind: each change is a single assignment.
        self.accounts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Accounts> {
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a vehicle's readings came after an instant, if anything did.
fn newer(mut vehicle: VehicleReadings, since: Option<DateTime<Utc>>) -> Option<VehicleReadings> {
    let Some(since) = since else {
        return Some(vehicle);
    };
    vehicle.signals.retain(|reading| reading.time > since);
    (!vehicle.signals.is_empty()).then_some(vehicle)
}
