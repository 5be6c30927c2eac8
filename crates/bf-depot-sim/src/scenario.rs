//! What to simulate, as a plain value: accounts, their vehicles, and what is wrong with them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::behaviour::Behaviour;
use crate::fault::Fault;
use crate::protocol::SignalName;
use crate::replay::Recording;

/// The external id of a replayed vehicle.
pub const REPLAY_VEHICLE: &str = "replay-1";

/// The accounts that a simulator starts with. Of two accounts of one name the later counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// One for each provider connection.
    pub accounts: Vec<Account>,
}

/// A customer's account with the simulated provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// In the base URL: `/accounts/{name}`. Also decides the city of the depot.
    pub name: String,
    /// The bearer token that it expects.
    pub key: String,
    /// What is wrong with the provider, for this account.
    pub fault: Option<Fault>,
    /// When that began; without it, when the simulator starts.
    pub fault_since: Option<DateTime<Utc>>,
    /// Of two vehicles of one id the later counts.
    pub vehicles: Vec<VehicleSpec>,
}

/// One vehicle of an account. In JSON `{"id":"vehicle-001","behaviour":{"kind":"reporting"}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleSpec {
    /// The provider's id of the vehicle. What the vehicle is follows from it, the account and the seed.
    #[serde(rename = "id")]
    pub external_id: String,
    /// How it reports.
    #[serde(default)]
    pub behaviour: Behaviour,
}

impl Scenario {
    /// One healthy account of `count` vehicles: see [`Account::fleet`].
    pub fn fleet(name: &str, count: usize) -> Self {
        Self::default().with(Account::fleet(name, count))
    }

    /// One account for each fault, named after it, a `healthy` one, and `vehicles`, where each vehicle
    /// is odd in its own way. Each has `count` vehicles, but for the last.
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

    /// With one more account.
    #[must_use]
    pub fn with(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }
}

impl Account {
    /// Without vehicles or fault, its key `{name}-key`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: format!("{name}-key"),
            fault: None,
            fault_since: None,
            vehicles: Vec::new(),
        }
    }

    /// `count` reporting vehicles, `vehicle-001` and up.
    pub fn fleet(name: &str, count: usize) -> Self {
        (1..=count).fold(Self::new(name), |account, number| {
            account.with_vehicle(&format!("vehicle-{number:03}"), Behaviour::Reporting)
        })
    }

    /// A recorded drive as the only vehicle, [`REPLAY_VEHICLE`].
    pub fn replay(name: &str, recording: Recording) -> Self {
        Self::new(name).with_vehicle(REPLAY_VEHICLE, Behaviour::Replay(recording))
    }

    /// With another key.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            ..self
        }
    }

    /// With a fault from the start.
    #[must_use]
    pub fn with_fault(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }

    /// With a fault that began at some time: of one that comes and goes it says where in that it is.
    #[must_use]
    pub fn with_fault_since(self, fault: Fault, since: DateTime<Utc>) -> Self {
        Self {
            fault_since: Some(since),
            ..self.with_fault(fault)
        }
    }

    /// With one more vehicle.
    #[must_use]
    pub fn with_vehicle(mut self, external_id: &str, behaviour: Behaviour) -> Self {
        self.vehicles.push(VehicleSpec {
            external_id: external_id.to_owned(),
            behaviour,
        });
        self
    }
}
