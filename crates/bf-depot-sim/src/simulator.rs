//! The simulator: the handle that everything else is reached by.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::account::RunningAccount;
use crate::protocol::{VehiclePage, VehicleReadings};
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
            account.answer(at, &self.timeline, None).collect()
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
            let mut answer = account.answer(now, &self.timeline, page_token);
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
