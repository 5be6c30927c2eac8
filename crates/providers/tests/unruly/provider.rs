//! A provider that answers as a test has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use clock::Clock;
use domain::fleet::{Connection, CredentialRef, ProviderType};
use domain::ids::{ExternalId, ProviderId};
use domain::polling::PollError;
use providers::{AddressPolicy, Credentials, PollLimits, ProviderRegistry, Providers, Sessions};
use tempfile::TempDir;

pub struct Provider {
    protocol: ProviderType,
    address: String,
    requests: Arc<AtomicU32>,
    credentials: TempDir,
}

impl Provider {
    /// Serves what `answers` says, at any account.
    pub async fn serve(protocol: ProviderType, answers: Router) -> Self {
        let requests = Arc::new(AtomicU32::new(0));
        let count = async |State(requests): State<Arc<AtomicU32>>, request: Request, next: Next| {
            requests.fetch_add(1, Ordering::Relaxed);
            next.run(request).await
        };
        let app = answers.layer(from_fn_with_state(Arc::clone(&requests), count));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let credentials = tempfile::tempdir().expect("a folder");
        for key in ["one", "another"] {
            std::fs::write(credentials.path().join(key), "s3cret").expect("a file");
        }
        Self {
            protocol,
            address,
            requests,
            credentials,
        }
    }

    pub fn clients(&self) -> Providers {
        self.clients_within(PollLimits::default())
    }

    pub fn clients_within(&self, limits: PollLimits) -> Providers {
        let addresses = AddressPolicy {
            allowed_hosts: Vec::new(),
            loopback_http: true,
        };
        let credentials = Credentials {
            folder: Some(self.credentials.path().to_owned()),
            ..Credentials::default()
        };
        let sessions = Sessions::in_memory(Clock::system());
        let registry = ProviderRegistry::default();
        Providers::try_new(registry, addresses, credentials, sessions, limits)
            .expect("a TLS backend")
    }

    pub fn connection(&self, path: &str, key: &str) -> Connection {
        Connection {
            id: ProviderId::try_new("main").expect("an id"),
            provider_type: self.protocol,
            base_url: format!("{}/{path}", self.address),
            credential_ref: Some(
                CredentialRef::try_new(&format!("file:{key}")).expect("a reference"),
            ),
            enabled: true,
            expected_reporting_interval_minutes: None,
            settings: serde_json::Map::default(),
            version: 1,
        }
    }

    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// The devices `vehicle-1` and up.
pub fn devices(count: usize) -> Vec<ExternalId> {
    (1..=count)
        .map(|number| ExternalId::try_new(&format!("vehicle-{number}")).expect("an external id"))
        .collect()
}

pub async fn failure_of(clients: &Providers, connection: &Connection) -> PollError {
    let result = clients.poll(connection, &devices(1), &HashMap::new()).await;
    result.failure.expect("a failure")
}
