//! The description of what to simulate: accounts, their vehicles, and their faults, as plain values.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::behaviour::Behaviour;
use crate::fault::Fault;
use crate::protocol::SignalName;
use crate::replay::Recording;

/// The external id of a replayed vehicle.
pub const REPLAY_VEHICLE: &str = "replay-1";

/// The accounts that a simulator starts with. Of two accounts with one name the later one is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// One account for each provider connection.
    pub accounts: Vec<Account>,
}

/// A customer's account with the simulated provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The name, which stands in the base URL (`/accounts/{name}`) and decides the city of the depot.
    pub name: String,
    /// The key that the account expects.
    pub key: String,
    /// The provider's fault for this account, if any.
    pub fault: Option<Fault>,
    /// When the fault began; `None` means when the account is added.
    pub fault_since: Option<DateTime<Utc>>,
    /// The vehicles. Of two vehicles with one id the later one is used.
    pub vehicles: Vec<VehicleSpec>,
}

/// One vehicle of an account. The JSON form is `{"id":"vehicle-001","behaviour":{"kind":"reporting"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleSpec {
    /// The provider's id of the vehicle. The id, the account and the seed decide everything about the vehicle.
    #[serde(rename = "id")]
    pub external_id: String,
    /// How the vehicle reports.
    #[serde(default)]
    pub behaviour: Behaviour,
}

impl Scenario {
    /// Returns one healthy account of `count` vehicles: see [`Account::fleet`].
    pub fn fleet(name: &str, count: usize) -> Self {
        Self::default().with(Account::fleet(name, count))
    }

    /// Returns one account for each fault, named after the fault, a `healthy` account, and the account
    /// `vehicles`, whose vehicles each have another behaviour. All but the last have `count` vehicles.
    pub fn faults(count: usize, now: DateTime<Utc>) -> Self {
        let kinds = [
            ("unavailable", Fault::Unavailable),
            ("credentials-rejected", Fault::CredentialsRejected),
            (
                "rate-limited",
                Fault::RateLimited {
                    retry_after_seconds: 30,
                },
            ),
            ("hang", Fault::Hang),
            ("late", Fault::Late { minutes: 30 }),
            ("garbage", Fault::Garbage),
            (
                "flapping",
                Fault::FlappingUnavailable {
                    up_seconds: 600,
                    down_seconds: 300,
                },
            ),
        ];
        let faulty = kinds.map(|(name, fault)| Account::fleet(name, count).with_fault(fault));
        let half_an_hour_ago = now - TimeDelta::minutes(30);
        let odd = Account::new("vehicles")
            .with_vehicle("reporting", Behaviour::Reporting)
            .with_vehicle(
                "silent",
                Behaviour::SilentSince {
                    at: half_an_hour_ago,
                },
            )
            .with_vehicle("omitted", Behaviour::Omitted)
            .with_vehicle(
                "frozen",
                Behaviour::Frozen {
                    at: half_an_hour_ago,
                },
            )
            .with_vehicle(
                "without-soc",
                Behaviour::WithoutSignals {
                    signals: vec![SignalName::StateOfChargePercent],
                },
            );
        faulty
            .into_iter()
            .fold(Self::fleet("healthy", count).with(odd), Self::with)
    }

    /// Adds an account.
    #[must_use]
    pub fn with(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }
}

impl Account {
    /// Returns an account without vehicles or fault, whose key is `{name}-key`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: format!("{name}-key"),
            fault: None,
            fault_since: None,
            vehicles: Vec::new(),
        }
    }

    /// Returns an account of `count` healthy vehicles with the ids `vehicle-001` and up.
    pub fn fleet(name: &str, count: usize) -> Self {
        (1..=count).fold(Self::new(name), |account, number| {
            account.with_vehicle(&format!("vehicle-{number:03}"), Behaviour::Reporting)
        })
    }

    /// Returns an account whose only vehicle, [`REPLAY_VEHICLE`], replays a recorded drive.
    pub fn replay(name: &str, recording: Recording) -> Self {
        Self::new(name).with_vehicle(REPLAY_VEHICLE, Behaviour::Replay(recording))
    }

    /// Replaces the key.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            ..self
        }
    }

    /// Sets a fault that begins when the account is added.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }

    /// Sets a fault that began at `since`. For a flapping fault the instant decides when it is up and down.
    #[must_use]
    pub fn with_fault_since(self, fault: Fault, since: DateTime<Utc>) -> Self {
        Self {
            fault_since: Some(since),
            ..self.with_fault(fault)
        }
    }

    /// Adds a vehicle.
    #[must_use]
    pub fn with_vehicle(mut self, external_id: &str, behaviour: Behaviour) -> Self {
        self.vehicles.push(VehicleSpec {
            external_id: external_id.to_owned(),
            behaviour,
        });
        self
    }
}
