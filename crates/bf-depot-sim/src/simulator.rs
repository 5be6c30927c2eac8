//! The simulator: the handle by which callers serve, read and change a simulation.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use chrono::{DateTime, Utc};
use clock::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::account::RunningAccount;
use crate::cursor::ChangesCursor;
use crate::protocol::{SimulatedChanges, VehiclePage, VehicleReadings};
use crate::routes;
use crate::scenario::{Account, Scenario};
use crate::world::{Speed, Timeline};

/// The settings with which a scenario is run.
#[derive(Clone, Debug)]
pub struct SimulatorSettings {
    /// The seed of all random choices: the same seed gives the same vehicles.
    pub seed: u64,
    /// The speed of virtual time from the start of the simulator.
    pub speed: Speed,
    /// The only source of time.
    pub clock: Clock,
}

/// A running simulation. A clone is cheap and shares the same accounts.
#[derive(Clone, Debug)]
pub struct Simulator {
    pub(crate) settings: SimulatorSettings,
    timeline: Timeline,
    accounts: Arc<RwLock<Accounts>>,
}

/// The running accounts by name.
pub(crate) type Accounts = BTreeMap<String, RunningAccount>;

/// The error for an account name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no account `{0}`")]
pub struct UnknownAccount(
    /// The name asked for.
    pub String,
);

impl Simulator {
    /// Starts a scenario; virtual time begins now.
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

    /// Adds an account, or replaces the account of its name; the request counts then begin at zero.
    pub fn put_account(&self, account: Account) {
        let name = account.name.clone();
        let running = RunningAccount::start(account, self.settings.seed, self.settings.clock.now());
        self.write().insert(name, running);
    }

    /// Returns the readings that an account's vehicles had reported by `at`, in the past or in the future,
    /// under the current fault and behaviours. The call does not count as a request.
    pub fn readings_at(
        &self,
        account: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<VehicleReadings>, UnknownAccount> {
        self.with_account(account, |account| {
            account
                .vehicles_as_of(account.as_of(at), &self.timeline, None)
                .collect()
        })
    }

    /// Returns one page of the answer to a poll now: `page_size` vehicles after the one that the token names.
    pub(crate) fn vehicle_page(
        &self,
        account: &str,
        page_size: usize,
        page_token: Option<&str>,
    ) -> Result<VehiclePage, UnknownAccount> {
        let now = self.settings.clock.now();
        self.with_account(account, |account| {
            let mut answer = account.vehicles_as_of(account.as_of(now), &self.timeline, page_token);
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

    /// Returns one page of what has changed since a cursor, and the next cursor; `None` if the cursor is
    /// from before the account was replaced. All pages of one answer are as of one instant, and the cursor
    /// of the last page continues from that instant: so each report is in exactly one answer.
    pub(crate) fn changes_page(
        &self,
        account: &str,
        page_size: usize,
        cursor: Option<ChangesCursor>,
    ) -> Result<Option<SimulatedChanges>, UnknownAccount> {
        let now = self.settings.clock.now();
        self.with_account(account, |account| {
            let cursor = cursor.unwrap_or(ChangesCursor {
                account_began: account.began,
                since: None,
                half_way: None,
            });
            if cursor.account_began != account.began {
                return None;
            }
            // The fault `Late` moves the readings back in time; a caller must not get the same reports again.
            let as_of = cursor
                .since
                .map_or(account.as_of(now), |since| account.as_of(now).max(since));
            let (until, after) = match &cursor.half_way {
                Some((until, after)) => (*until, Some(after.as_str())),
                None => (as_of, None),
            };
            let mut changed = account
                .vehicles_as_of(until, &self.timeline, after)
                .filter_map(|vehicle| retain_newer(vehicle, cursor.since));
            let vehicles: Vec<_> = changed.by_ref().take(page_size).collect();
            let more = changed.next().is_some();
            let (since, half_way) = match vehicles.last() {
                Some(last) if more => (cursor.since, Some((until, last.id.clone()))),
                _ => (Some(until), None),
            };
            let next = ChangesCursor {
                account_began: account.began,
                since,
                half_way,
            };
            Some(SimulatedChanges {
                vehicles,
                cursor: next.to_string(),
                more,
            })
        })
    }

    /// Returns the router of the provider protocols and the control endpoints. A hanging request ends only
    /// when its caller disconnects.
    pub fn router(&self) -> Router {
        routes::router(self.clone(), CancellationToken::new())
    }

    /// Serves [`Simulator::router`] until `shutdown`, which also ends hanging requests.
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
        // Each change is a single assignment, so a panic cannot leave a value half changed.
        self.accounts.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Accounts> {
        self.accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a vehicle's readings after an instant; `None` if there are none.
fn retain_newer(
    mut vehicle: VehicleReadings,
    since: Option<DateTime<Utc>>,
) -> Option<VehicleReadings> {
    let Some(since) = since else {
        return Some(vehicle);
    };
    vehicle.signals.retain(|reading| reading.time > since);
    (!vehicle.signals.is_empty()).then_some(vehicle)
}
