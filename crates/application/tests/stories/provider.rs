//! A provider on the network: the simulator, on the story's clock.

use std::time::Duration;

use bf_depot_sim::{Account, Behaviour, Fault, Scenario, Simulator, SimulatorSettings, Speed};
use clock::Clock;
use providers::{AddressPolicy, Credentials, PollLimits, ProviderRegistry, Providers, Sessions};
use tempfile::TempDir;
use testkit::{ConnectionBuilder, a_connection};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The simulator's accounts, served until dropped.
pub struct Provider {
    simulator: Simulator,
    address: String,
    credentials: TempDir,
    _serving: DropGuard,
}

impl Provider {
    pub async fn serve(clock: &Clock, accounts: impl IntoIterator<Item = Account>) -> Self {
        let credentials = tempfile::tempdir().expect("a folder");
        let mut scenario = Scenario::default();
        for account in accounts {
            std::fs::write(credentials.path().join(&account.name), &account.key)
                .expect("a credential");
            scenario = scenario.with(account);
        }
        let speed = Speed::try_new(1.0).expect("a speed");
        let simulator = Simulator::new(
            scenario,
            SimulatorSettings {
                seed: 7,
                speed,
                clock: clock.clone(),
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let shutdown = CancellationToken::new();
        let serving = simulator.clone();
        let until = shutdown.clone();
        tokio::spawn(async move { serving.serve(listener, until).await });
        Self {
            simulator,
            address,
            credentials,
            _serving: shutdown.drop_guard(),
        }
    }

    /// A connection to an account.
    pub fn connection(&self, id: &str, account: &str) -> ConnectionBuilder {
        a_connection(id)
            .at(format!("{}/accounts/{account}", self.address))
            .credential(&format!("file:{account}"))
    }

    /// Clients that find the accounts' credentials, and that wait longer for an answer than any story waits.
    pub fn clients(&self) -> Providers {
        self.clients_with_deadline(Duration::from_hours(1))
    }

    pub fn clients_with_deadline(&self, deadline: Duration) -> Providers {
        let addresses = AddressPolicy {
            allowed_hosts: Vec::new(),
            loopback_http: true,
        };
        let credentials = Credentials {
            folder: Some(self.credentials.path().to_owned()),
            ..Credentials::default()
        };
        let limits = PollLimits {
            deadline,
            backoff: Duration::from_millis(1),
            ..PollLimits::default()
        };
        let sessions = Sessions::in_memory(Clock::system());
        let registry = ProviderRegistry::default();
        Providers::try_new(registry, addresses, credentials, sessions, limits)
            .expect("a TLS backend")
    }

    pub fn set_fault(&self, account: &str, fault: Fault) {
        self.simulator
            .set_fault(account, fault)
            .expect("an account");
    }

    pub fn clear_fault(&self, account: &str) {
        self.simulator.clear_fault(account).expect("an account");
    }

    /// A vehicle behaves like this from now on.
    pub fn set_behaviour(&self, account: &str, external_id: &str, behaviour: Behaviour) {
        self.simulator
            .set_behaviour(account, external_id, behaviour)
            .expect("an account");
    }

    /// An account begins anew, and forgets what it told.
    pub fn put_account(&self, account: Account) {
        self.simulator.put_account(account);
    }

    /// Requests so far.
    pub fn requests(&self, account: &str) -> u64 {
        self.simulator.requests(account).expect("an account").total
    }

    /// Requests that are being answered now.
    pub fn in_flight(&self, account: &str) -> u32 {
        self.simulator
            .requests(account)
            .expect("an account")
            .in_flight
    }
}
