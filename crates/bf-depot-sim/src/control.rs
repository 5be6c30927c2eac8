//! The operations that set and clear faults, change behaviours, and report request counts.

use serde::Serialize;

use crate::account::RunningVehicle;
use crate::behaviour::Behaviour;
use crate::fault::{ActiveFault, Fault};
use crate::requests::RequestCounts;
use crate::scenario::VehicleSpec;
use crate::simulator::{Simulator, UnknownAccount};

/// An account as the control endpoints show it, without its key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccountStatus {
    /// The account's name, as it stands in the base URL.
    pub name: String,
    /// The fault as it was set. A flapping fault is shown while the provider is up, too.
    pub fault: Option<Fault>,
    /// The vehicles, ordered by id.
    pub vehicles: Vec<VehicleSpec>,
    /// The requests since the account was added.
    pub requests: RequestCounts,
}

/// Whether [`Simulator::set_behaviour`] added a vehicle or replaced one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The account had no vehicle of this id.
    Added,
    /// The account had a vehicle of this id, whose behaviour was replaced.
    Replaced,
}

impl Simulator {
    /// Returns all accounts, ordered by name.
    pub fn accounts(&self) -> Vec<AccountStatus> {
        let accounts = self.read();
        let status = accounts.iter().map(|(name, account)| AccountStatus {
            name: name.clone(),
            fault: account.fault.map(|active| active.fault),
            vehicles: account
                .vehicles
                .iter()
                .map(|(id, vehicle)| vehicle.spec(id))
                .collect(),
            requests: account.requests.counts(),
        });
        status.collect()
    }

    /// Returns the counts of the requests to one account so far.
    pub fn requests(&self, account: &str) -> Result<RequestCounts, UnknownAccount> {
        self.with_account(account, |account| account.requests.counts())
    }

    /// Replaces the account's fault from now on. Requests that hang already go on hanging.
    pub fn set_fault(&self, account: &str, fault: Fault) -> Result<(), UnknownAccount> {
        let since = self.settings.clock.now();
        self.with_account_mut(account, |running| {
            running.fault = Some(ActiveFault { fault, since });
        })?;
        tracing::info!(account, ?fault, "fault set");
        Ok(())
    }

    /// Removes the account's fault from now on. Requests that hang already go on hanging.
    pub fn clear_fault(&self, account: &str) -> Result<(), UnknownAccount> {
        self.with_account_mut(account, |running| running.fault = None)?;
        tracing::info!(account, "fault cleared");
        Ok(())
    }

    /// Replaces the vehicle's behaviour from now on. A vehicle that the account does not have is added.
    pub fn set_behaviour(
        &self,
        account: &str,
        external_id: &str,
        behaviour: Behaviour,
    ) -> Result<Placed, UnknownAccount> {
        let now = self.settings.clock.now();
        let vehicle = RunningVehicle::new(self.settings.seed, account, external_id, behaviour, now);
        let before = self.with_account_mut(account, |running| {
            running.vehicles.insert(external_id.to_owned(), vehicle)
        })?;
        tracing::info!(account, vehicle = external_id, "behaviour set");
        Ok(if before.is_some() {
            Placed::Replaced
        } else {
            Placed::Added
        })
    }
}

impl RunningVehicle {
    fn spec(&self, id: &str) -> VehicleSpec {
        VehicleSpec {
            external_id: id.to_owned(),
            behaviour: self.behaviour.clone(),
        }
    }
}
