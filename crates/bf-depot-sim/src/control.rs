//! Faults on demand, and what came of them.

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
    /// As in the base URL.
    pub name: String,
    /// As it was set, also while a flapping provider is up.
    pub fault: Option<Fault>,
    /// Ordered by id.
    pub vehicles: Vec<VehicleSpec>,
    /// Since the account was added.
    pub requests: RequestCounts,
}

/// Whether a vehicle was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is new.
    Added,
    /// It behaves differently now.
    Replaced,
}

impl Simulator {
    /// All accounts, ordered by name.
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

    /// The requests to one account so far.
    pub fn requests(&self, account: &str) -> Result<RequestCounts, UnknownAccount> {
        self.with_account(account, |account| account.requests.counts())
    }

    /// From now on the account has this fault instead of the one it had. Requests that hang already go
    /// on hanging.
    pub fn set_fault(&self, account: &str, fault: Fault) -> Result<(), UnknownAccount> {
        let since = self.settings.clock.now();
        self.with_account_mut(account, |running| {
            running.fault = Some(ActiveFault { fault, since });
        })?;
        tracing::info!(account, ?fault, "fault set");
        Ok(())
    }

    /// From now on the account works.
    pub fn clear_fault(&self, account: &str) -> Result<(), UnknownAccount> {
        self.with_account_mut(account, |running| running.fault = None)?;
        tracing::info!(account, "fault cleared");
        Ok(())
    }

    /// From now on the vehicle behaves like this; an unknown vehicle is added.
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
